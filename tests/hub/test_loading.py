from __future__ import annotations

import socket
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.hub import decoding, loading, saving, stages
from zoo.hub.decoding import Prediction
from zoo.hub.origin import Origin, origin_of

from . import toy as toy_family
from .conftest import values


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return saving.golden_logits(model, images)


def test_build_takes_a_name_or_a_configuration() -> None:
    model = loading.build("toy_w4_shelf", num_classes=7, input_shape=(None, None, 1))
    assert model.output_shape == (None, 7) and model.input_shape == (None, None, None, 1)
    assert model.name == "toy_w4_shelf" and not model.compiled
    origin = origin_of(model)
    assert isinstance(origin, Origin)
    assert (origin.preset, origin.family, origin.config.num_classes) == ("toy_w4_shelf", "toy", 7)
    assert origin.labels == tuple("0123456")
    own = loading.build(toy_family.ToyConfig(name="my_toy"), width=3)
    assert origin_of(own).preset is None and origin_of(own).config.width == 3


def test_build_names_the_fields() -> None:
    with pytest.raises(ValueError, match=r"no field 'classes'.*name, input_shape, num_classes, width, include_head"):
        loading.build("toy_w4_shelf", classes=3)
    with pytest.raises(ValueError, match="Did you mean 'num_classes'"):
        loading.build("toy_w4_shelf", num_clases=3)


@pytest.mark.parametrize("name", ["toy_w4_shelf.v1", "./run"])
def test_build_refuses_weights(name: str) -> None:
    with pytest.raises(ValueError, match="untrained models: use zoo.load"):
        loading.build(name)


def test_load_gives_the_published_model_compiled(published: Path, toy: keras.Model, images: np.ndarray) -> None:
    model = loading.load("toy_w4_shelf")
    assert np.allclose(outputs(model, images), outputs(toy, images), rtol=1e-6)
    assert all(np.array_equal(a, values(toy)[path]) for path, a in values(model).items() if "seed" not in path)
    assert model.jit_compile is (keras.backend.backend() == "jax")
    assert origin_of(model).weights == "v1" and origin_of(model).labels == ("bear", "car", "doll")
    losses = model.fit(images, np.array([0, 1, 2, 0]), epochs=2, verbose=0).history["loss"]
    assert np.isfinite(losses).all()


def test_the_newest_tag_is_the_default(published: Path, facts: dict, images: np.ndarray) -> None:
    model = loading.load("toy_w4_shelf")
    model.get_layer("head").bias.assign([9.0, 8.0, 7.0])
    for tag in ("v2", "v10"):
        saving.publish(model, tag, card=facts, inputs=images, history="epoch\n")
    assert origin_of(loading.load("toy_w4_shelf")).weights == "v10"
    old = loading.load("toy_w4_shelf", weights="v1")
    assert origin_of(old).weights == origin_of(loading.load("toy_w4_shelf.v1")).weights == "v1"
    assert values(old)["head/bias"].max() < 2


def test_no_weights_is_an_error_and_none_means_none() -> None:
    with pytest.raises(ValueError, match=r"no trained weights in .*weights: zoo.load\('toy_w2_box', weights=None\)"):
        loading.load("toy_w2_box")
    model = loading.load("toy_w2_box", weights=None)
    assert origin_of(model).weights is None and model.compiled


def test_untrained_and_shipped_models_need_no_network(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    loading.load("toy_w4_shelf")
    loading.load("toy_w10_shelf", weights=None)
    assert not Path(published.parents[2] / "cache").exists()


def test_contradictions_are_refused(published: Path) -> None:
    for arguments in ({"weights": "v1"}, {"weights": None}):
        with pytest.raises(ValueError, match="already says which weights"):
            loading.load("toy_w4_shelf.v1", **arguments)
        with pytest.raises(ValueError, match="already says which weights"):
            loading.load(published, **arguments)
    with pytest.raises(ValueError, match="no weights 'v7'; existing tags: v1"):
        loading.load("toy_w4_shelf", weights="v7")
    with pytest.raises(ValueError, match=r"weights='mine': expected 'default', a tag.*'./mine'"):
        loading.load("toy_w4_shelf", weights="mine")
    with pytest.raises(ValueError, match="holds weights of 'toy_w4_shelf'"):
        loading.load("toy_w2_box", weights=published)


def test_other_classes_drop_the_head_only(published: Path, toy: keras.Model, images: np.ndarray) -> None:
    (published / "head.safetensors").unlink()  # never opened
    model = loading.load("toy_w4_shelf", num_classes=5)
    assert model.output_shape == (None, 5) and origin_of(model).labels == tuple("01234")
    old, new = values(toy), values(model)
    assert all(np.array_equal(old[path], new[path]) for path in old if path.startswith(("conv", "norm")))
    assert np.isfinite(outputs(model, images)).all()
    model.fit(images, np.array([0, 1, 4, 2]), verbose=0)


def test_classes_of_ones_own_never_inherit_a_head(published: Path, toy: keras.Model, images: np.ndarray) -> None:
    """Not even as many: only the same names keep it."""
    with pytest.warns(UserWarning, match=r"num_classes=3 makes a new, untrained head .*bear, car, doll"):
        model = loading.load("toy_w4_shelf", num_classes=3)
    assert model.labels == ("0", "1", "2")
    named = loading.load("toy_w4_shelf", labels=["cat ", "dog", "emu"], num_classes=3)
    assert named.labels == ("cat", "dog", "emu")
    for other in (model, named):
        assert np.array_equal(values(other)["conv/kernel"], values(toy)["conv/kernel"])
        assert not np.allclose(outputs(other, images), outputs(toy, images), rtol=1e-2)
    kept = loading.load("toy_w4_shelf", labels=np.array(["bear", " car", "doll"]))
    assert np.allclose(outputs(kept, images), outputs(toy, images), rtol=1e-6)
    assert loading.build("toy_w4_shelf", num_classes=3).labels == ("0", "1", "2")
    assert loading.build("toy_w4_shelf", labels=("a", "b")).labels == ("a", "b")
    with pytest.raises(ValueError, match="Expected 4 class names, one a class; got 2"):
        loading.load("toy_w4_shelf", num_classes=4, labels=["a", "b"])


def test_without_head_the_features_come_out(published: Path, toy: keras.Model, images: np.ndarray) -> None:
    (published / "head.safetensors").unlink()
    body = loading.load("toy_w4_shelf", include_head=False)
    assert body.output_shape == (None, 4) and not body.compiled
    features = stages.features(toy)
    assert np.allclose(outputs(body, images), outputs(features, images), rtol=1e-6)
    assert features.get_layer("conv") is toy.get_layer("conv")
    assert stages.features(body) is body
    assert not origin_of(features).config.include_head


def test_another_input_shape(published: Path, toy: keras.Model) -> None:
    model = loading.load("toy_w4_shelf", input_shape=(11, 9, 1))
    assert model.input_shape == (None, 11, 9, 1)
    assert np.array_equal(values(model)["head/kernel"], values(toy)["head/kernel"])
    with pytest.warns(UserWarning, match=r"for 3 the first kernel \(conv/kernel\) is repeated"):
        loading.load("toy_w4_shelf", input_shape=(8, 8, 3))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16", "mixed_float16"])
def test_dtype_policies(published: Path, toy: keras.Model, images: np.ndarray, dtype: str) -> None:
    before = keras.config.dtype_policy().name
    model = loading.load("toy_w4_shelf", dtype=dtype)
    assert keras.config.dtype_policy().name == before
    assert model.get_layer("conv").compute_dtype == dtype.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(model.get_layer("conv").kernel.dtype) == (
        "float32" if "mixed" in dtype else dtype
    )
    assert np.allclose(outputs(model, images), outputs(toy, images), rtol=0.05, atol=0.05)
    assert np.isfinite(model.fit(images, np.zeros(4), verbose=0).history["loss"]).all()


@pytest.mark.parametrize("dtype", ["float31", "int32"])
def test_a_bad_policy_is_refused_and_forgotten(dtype: str) -> None:
    before = keras.config.dtype_policy().name
    with pytest.raises(ValueError, match=dtype):
        loading.load("toy_w4_shelf", weights=None, dtype=dtype)
    assert keras.config.dtype_policy().name == before


@pytest.mark.parametrize("file_name", ["model.safetensors", "head.safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "bit", "empty", "longer"])
@pytest.mark.parametrize("how", ["name", "folder"])
def test_a_damaged_file_is_never_loaded(published: Path, file_name: str, damage: str, how: str) -> None:
    path = published / file_name
    data = bytearray(path.read_bytes())
    if damage == "bit":
        data[-3] ^= 1
    damaged = {"truncated": data[:-4], "bit": data, "empty": b"", "longer": data + b"\0"}[damage]
    path.write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match=f"{file_name} is damaged or altered and was not used"):
        loading.load("toy_w4_shelf" if how == "name" else published)


def test_a_missing_file_is_named(published: Path) -> None:
    (published / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="model.safetensors of toy_w4_shelf.v1 is not on this machine.*no URL"):
        loading.load("toy_w4_shelf")
    with pytest.raises(FileNotFoundError, match="copy the whole folder"):
        loading.load(published)
    with pytest.raises(FileNotFoundError, match="^No such folder: .*nowhere.$"):
        loading.load("./nowhere")
    with pytest.raises(FileNotFoundError, match=f"No such folder: .* Did you mean '{published.name}'?"):
        loading.load(published.with_name(f"{published.name}1"))
    with pytest.raises(FileNotFoundError, match="has no card.json: expected a folder written by zoo.save"):
        loading.load(published.parent)


def test_decode(published: Path) -> None:
    logits = np.array([[0.0, np.log(2.0), np.log(5.0)], [1000.0, 0.0, -1000.0]])
    first, second = decoding.decode("toy_w4_shelf", logits, top=2)
    assert [(p.label, p.index) for p in first] == [("doll", 2), ("car", 1)]
    assert np.allclose([p.probability for p in first], [5 / 8, 2 / 8])
    assert second[0] == Prediction("bear", 0, 1.0)
    assert [len(row) for row in decoding.decode(published, logits)] == [3, 3]
    assert decoding.decode(loading.build("toy_w4_shelf"), keras.ops.convert_to_tensor(logits), top=1)[0][0].index == 2
    assert decoding.decode("toy_w10_shelf", np.zeros((0, 3))) == []


@pytest.mark.parametrize(
    ("logits", "top", "message"),
    [
        (np.zeros(3), 1, r"shape \(batch, 3\); got \(3,\)"),
        (np.zeros((2, 4)), 1, r"shape \(batch, 3\); got \(2, 4\)"),
        (np.array([[0, np.nan, 1]]), 1, "NaN or infinite"),
        (np.zeros((1, 3)), 0, "`top` to be a positive integer; got 0"),
        (np.zeros((1, 3)), 1.5, "`top` to be a positive integer; got 1.5"),
    ],
)
def test_decode_refuses(logits: np.ndarray, top: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decoding.decode("toy_w4_shelf", logits, top=top)


def test_foreign_models_are_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name="mine")
    for use in (stages.features, lambda m: saving.save(m, tmp_path), lambda m: decoding.decode(m, np.zeros((1, 2)))):
        with pytest.raises(ValueError, match="made by zoo.build or zoo.load; got 'mine'"):
            use(model)


@pytest.mark.parametrize("wrong", [0, -1, "5", 5.0, True])
def test_a_wrong_number_of_classes_is_named(wrong):
    with pytest.raises(ValueError, match="Expected `num_classes` to be a positive integer; got"):
        loading.load("toy_w4_shelf", weights=None, num_classes=wrong)


def test_one_logit_is_compiled_by_the_user() -> None:
    with pytest.raises(ValueError, match="compile=False"):
        loading.load("toy_w4_shelf", weights=None, num_classes=1)
    assert loading.load("toy_w4_shelf", weights=None, num_classes=1, compile=False).output_shape == (None, 1)


def test_numpy_integers_are_numbers():
    model = loading.build("toy_w4_shelf", num_classes=np.int64(5), input_shape=[None, np.int32(9), 1])
    assert model.output_shape == (None, 5) and model.input_shape == (None, None, 9, 1)


@pytest.mark.parametrize("wrong", [28, "28", (28, 28), (0, 28, 1), (28, 28, None), (8, 8.5, 1)])
def test_a_wrong_input_shape_is_named(wrong):
    with pytest.raises(ValueError, match="`input_shape`.*height, width, channels"):
        loading.load("toy_w4_shelf", weights=None, input_shape=wrong)


def test_a_folder_without_a_separator_is_pointed_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_toy").mkdir()
    with pytest.raises(ValueError, match="'./my_toy'"):
        loading.load("my_toy")
