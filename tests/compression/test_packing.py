"""The packed form: smaller, exact, and read like any other file."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

import zoo
from tests.compression.networks import made, outputs, pixels, values
from zoo.compression import compress, load_packed, prune, sparsity_report
from zoo.hub import packing, store
from zoo.testing import load_golden

pytestmark = pytest.mark.filterwarnings("ignore:pruning. ")
GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "synaptic" / "packed.npz")


def test_values_of_sixteen_bits_take_two_bytes():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(9, 64)).astype("float16").astype("float32")
    tensors = {
        "half": half,
        "sparse": np.where(np.arange(9)[:, None] == 0, half, np.float32(0)),
        "full": rng.normal(size=(9, 64)).astype("float32"),
        "large": np.full((9, 64), 1e5, "float32") + half,
        "vector": half[0],
    }
    data = store.tensors_to_bytes(tensors)
    stored = safetensors.numpy.load(data)
    kinds = {name.rpartition("/")[2]: array.dtype.name for name, array in stored.items()}
    assert kinds == {"half": "float16", "sparse": "float16", "vector": "float16", "0": "uint8"} | dict.fromkeys(
        ["full", "large"], "float32"
    )
    for name, found in store.tensors_from_bytes(data, source="here").items():
        assert found.dtype == np.float32 and np.array_equal(found, tensors[name])


def test_bits_and_blocks_are_the_golden_ones():
    kernel = np.where(GOLDEN["mask"], GOLDEN["kernel"], np.float32(0))
    stored, note = packing.pack({"conv/kernel": kernel})
    assert np.array_equal(stored["#pattern/0"], GOLDEN["bitmask"])
    assert np.array_equal(stored["#kept/conv/kernel"], GOLDEN["values"])
    assert np.array_equal(packing.unpack(stored, note)["conv/kernel"], kernel)


def test_every_bit_comes_back():
    rng = np.random.default_rng(0)
    sparse = np.where(rng.uniform(size=(20, 30)) < 0.1, rng.normal(size=(3, 3, 20, 30)).astype("float32"), 0)
    tensors = {
        "a/direction": sparse,
        "a/mask": (np.abs(sparse).sum((0, 1)) > 0).astype("float32"),
        "dense": rng.normal(size=(5, 6)).astype("float32"),
        "ones": np.ones((20, 30), "float32"),
        "zeros": np.zeros((7, 9), "float32"),
        "minus": np.where(np.arange(200).reshape(10, 20) % 50 == 0, -0.0, 0.0).astype("float32"),
        "counts": np.eye(40, dtype="int32"),
        "scalar": np.array(3.0, "float32"),
        "bias": np.zeros(4, "float32"),
    }
    data = store.tensors_to_bytes(tensors)
    found = store.tensors_from_bytes(data, source="here")
    assert set(found) == set(tensors)
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and found[name].tobytes() == tensor.tobytes(), name
    assert len(data) < 0.3 * sum(tensor.nbytes for tensor in tensors.values())
    assert store.facts_of(data).format == "packed"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int8", "int64", "uint16", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 4), (5,), (5, 6), (3, 3, 20, 20)])
def test_every_shape_and_type_survives(shape, dtype):
    values = np.asarray(np.random.default_rng(0).normal(0, 3, shape))
    if len(shape) == 4:
        values = values * np.eye(20)
    values = values.astype(getattr(ml_dtypes, dtype, dtype))
    for value in (values, values.T):  # the second one lies the other way round in memory
        found = store.tensors_from_bytes(store.tensors_to_bytes({"value": value}), source="here")["value"]
        assert (found.dtype, found.shape) == (value.dtype, value.shape) and found.tobytes() == value.tobytes()


def test_dense_tensors_are_stored_as_ever():
    tensors = {"kernel": np.arange(12, dtype="float32").reshape(3, 4) + 1}
    data = store.tensors_to_bytes(tensors)
    assert packing.pack(tensors) == (tensors, {}) and store.facts_of(data).format is None
    assert b'"format":"np"' in data


def test_a_damaged_note_is_refused():
    stored, note = packing.pack({"a": np.eye(64, dtype="float32") * np.arange(1, 65, dtype="float32")})
    stored["#kept/a"] = stored["#kept/a"][:-1]
    with pytest.raises(ValueError, match="63 blocks, its pattern 64"):
        packing.unpack(stored, note)


def test_a_pruned_network_is_saved_small_and_loads(tmp_path):
    model = zoo.build("synaptic_vgg16_narrow_p90_cifar10", widths=((8, 8), (16, 16)))
    prune(model, 0.9, scope="layer")
    folder = zoo.save(model, tmp_path / "small")
    assert zoo.card(folder).files["model.safetensors"].format == "packed"
    again = zoo.load(folder)
    assert all(np.array_equal(value, values(again)[path]) for path, value in values(model).items())
    dense = zoo.save(zoo.build("synaptic_dense_vgg16_narrow_cifar10", widths=((8, 8), (16, 16))), tmp_path / "dense")
    assert zoo.card(dense).files["model.safetensors"].format is None
    report = sparsity_report(model)
    size = (folder / "model.safetensors").stat().st_size + (folder / "head.safetensors").stat().st_size
    assert abs(report.packed_bytes - size) < 1500  # two headers instead of one


def test_at_96_percent_the_file_is_fifteen_times_smaller():
    model = zoo.build("synaptic_vgg16_narrow_p96_cifar10")
    report = prune(model, 0.96, scope="layer")
    assert 15 * report.packed_bytes < report.dense_bytes
    dense = zoo.build("synaptic_dense_vgg16_narrow_cifar10").count_params()
    assert abs(report.dense_bytes / 4 - dense) < 2000  # the scales of the normalizations, which it has not


@pytest.mark.parametrize("plain", [False, True])
def test_a_packed_file_of_any_model(tmp_path, plain):
    model = made("projected")
    prune(model, 0.9, scope="layer")
    model = compress(model, "mask") if plain else model
    path = compress(model, "packed", path=tmp_path / "model.packed")
    other = made("projected")
    other = compress(other, "mask") if plain else other
    load_packed(other, path)
    assert all(np.array_equal(value, values(other)[key]) for key, value in values(model).items())
    assert np.array_equal(outputs(model, pixels(model)), outputs(other, pixels(model)))
    with pytest.raises(ValueError, match="do not fit the model"):
        load_packed(made("vgg"), path)


def test_momentum_of_pruned_connections_is_not_packed(tmp_path):
    model = made("projected")
    prune(model, 0.9, scope="layer")
    expected = compress(model, "packed", path=tmp_path / "before").stat().st_size
    for weight in model.weights:
        if weight.path.endswith(("direction", "strength")):
            weight.assign(weight + 1e-3)  # what an optimizer's momentum from before does
    path = compress(model, "packed", path=tmp_path / "after")
    assert path.stat().st_size == expected == sparsity_report(model).packed_bytes
    assert np.array_equal(outputs(load_packed(made("projected"), path), pixels(model)), outputs(model, pixels(model)))


def test_words_of_compress():
    model = made("vgg")
    with pytest.raises(ValueError, match="mode to be one of .*'zip'"):
        compress(model, "zip")
    with pytest.raises(ValueError, match="path for mode 'packed'"):
        compress(model, "packed")
    with pytest.raises(ValueError, match="path for mode 'packed'"):
        compress(model, "compact", path="here")
