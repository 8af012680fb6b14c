"""Log-polar convolution: golden tensors in both implementations, the choice between them, folding, what is refused."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import gradients, normal, randomize
from zoo.layers import LogPolarConv2D, _log_polar
from zoo.math import log_polar_from_folded
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "lpsc"
FIXTURES = sorted(path.stem.removeprefix("layer_") for path in FOLDER.glob("layer_*.npz"))
LAYERS = [name for name in FIXTURES if "even_nocenter" not in name]  # an even window is no layer here
REL = 1e-5
EAGER = keras.backend.backend() == "torch"
POOLINGS = {"avg_pool": "mean", "sum_pool": "sum", "max_pool": "max"}


def make_layer(config, **options):
    arguments = {
        "kernel_size": (config["kh"], config["kw"]),
        "levels": config["num_levels"],
        "angles": config["ang_levels"],
        "growth": config["facbase"],
        "strides": config["stride"],
        "pooling": POOLINGS[config["pool_type"]],
        "center": config["use_center"],
        "use_bias": config["conv_bias"],
        "center_bias": config["center_bias"],
        "rotation": config["ini_angle"],
        "ratio": config["ratio"] if config["ratio"] > 0 else None,
        "reference_map": True,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogPolarConv2D(config["cout"], **arguments | options)


def reference_weights(golden, prefix=""):
    """Weights (or, with the prefix `g_`, gradients) by our names."""
    found = {"kernel": log_polar_from_folded(golden[f"{prefix}w_lp"])}
    if f"{prefix}w_c" in golden:
        found["center_kernel"] = golden[f"{prefix}w_c"][:, :, 0, 0].T
    names = {"bias": "b_lp", "center_bias": "b_c"}
    return found | {ours: golden[prefix + theirs] for ours, theirs in names.items() if prefix + theirs in golden}


def nhwc(array):
    return array.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("implementation", ["dense", "shift"])
@pytest.mark.parametrize("name", LAYERS)
def test_layer_matches_the_reference(name, implementation):
    golden = load_golden(FOLDER / f"layer_{name}.npz")
    if golden.config["pool_type"] == "max_pool" and implementation == "dense":
        pytest.skip("maxima are no convolution")
    layer, x = make_layer(golden.config, implementation=implementation), nhwc(golden["x"])
    layer.build(x.shape)
    weights = reference_weights(golden)
    for variable in layer.weights:
        variable.assign(weights.pop(variable.name))
    assert not weights
    outputs, input_gradient, found = gradients(layer, x)
    assert_close(outputs, nhwc(golden["y"]), REL, name="output")
    assert_close(input_gradient, nhwc(golden["g_x"]), REL, name="input gradient")
    expected = reference_weights(golden, "g_")
    for path, value in found.items():
        assert_close(value, expected[path.rsplit("/", 1)[-1]], REL, name=path)
    if "w_dense" in golden:
        assert_close(layer.dense_kernel(), golden["w_dense"].transpose(2, 3, 1, 0), REL, name="dense kernel")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"padding": "valid"},
        {"strides": 2, "kernel_size": (5, 7)},
        {"strides": 3, "kernel_size": (7, 9), "padding": "valid"},
        {"strides": 4, "kernel_size": 11},
        {"strides": 9, "kernel_size": (5, 7)},  # some pixels lie in no window
    ],
    ids=str,
)
def test_both_implementations_agree(options):
    """Options that the reference does not have, and sizes that are unknown when the layer is built."""
    arguments = {"kernel_size": 7, "levels": 2, "angles": 4, "growth": 2.5, "clip_corners": True} | options
    layer = LogPolarConv2D(4, **arguments, rotation=0.3, ratio=0.8, implementation="dense")
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layer(inputs))
    randomize(model)
    x = normal(2, 11, 12, 3)
    found = {}
    for name in ("dense", "shift"):
        layer.implementation = name
        found[name] = gradients(layer, x)
        assert found[name][0].shape == layer.compute_output_shape(x.shape)
        model.predict_function = None  # traced anew, with sizes that only the data tell
        assert_close(model.predict(x, verbose=0), found["dense"][0], REL)
    for expected, actual in zip(found["dense"][:2], found["shift"][:2], strict=True):
        assert_close(actual, expected, REL)
    for path, expected in found["dense"][2].items():
        assert_close(found["shift"][2][path], expected, REL, name=path)


@pytest.mark.parametrize(
    ("filters", "channels", "options", "expected"),
    [
        (64, 3, dict(kernel_size=13, levels=3, angles=8), "shift"),
        (16, 3, dict(kernel_size=9), "dense" if EAGER else "shift"),
        (192, 64, dict(kernel_size=9), "shift"),
        (64, 3, dict(kernel_size=5), "dense" if EAGER else "shift"),
        (8, 16, dict(kernel_size=5), "dense"),
        (64, 3, dict(kernel_size=9, levels=3, angles=8, strides=2), "shift"),
        (64, 3, dict(kernel_size=11, levels=3, angles=8, strides=4), "dense" if EAGER else "shift"),
        (8, 16, dict(kernel_size=5, pooling="max"), "shift"),
    ],
)
def test_automatic_choice(filters, channels, options, expected):
    layer = LogPolarConv2D(filters, **options)
    layer.build((None, 32, 32, channels))
    assert layer.form == expected
    if options.get("pooling") != "max":
        layer.implementation = "dense"
        assert layer.form == "dense"


def test_the_choice_holds_in_a_compiled_step(monkeypatch):
    calls, original = [], _log_polar.pool_linear
    monkeypatch.setattr(_log_polar, "pool_linear", lambda *given: calls.append(1) or original(*given))
    inputs = keras.Input((9, 9, 1))
    model = keras.Model(inputs, LogPolarConv2D(32, 9)(inputs))
    calls.clear()
    model.predict_on_batch(normal(1, 9, 9, 1))
    assert calls


@pytest.mark.parametrize("pooling", ["mean", "sum", "max"])
def test_folding(pooling):
    inputs = keras.Input((12, 11, 3), name="image")
    options = {"pooling": pooling, "center_bias": True, "implementation": "shift"}
    x = LogPolarConv2D(4, 9, strides=2, name="a", **options)(inputs)
    x = keras.layers.BatchNormalization(name="a_norm")(x)
    x = LogPolarConv2D(5, (3, 5), 1, 4, padding="valid", use_bias=False, name="b", **options | {"center_bias": False})(
        x
    )
    x = LogPolarConv2D(2, (3, 5), 1, 4, use_bias=False, name="c", **options)(x)
    model = keras.Model(inputs, x)
    randomize(model)
    folded = zoo.fold(model)
    batch = normal(2, 12, 11, 3)
    assert_close(folded(batch), model(batch), REL)
    kinds = [type(layer).__name__ for layer in folded.layers]
    if pooling == "max":  # no convolution: stays, and the normalization behind it
        assert kinds.count("LogPolarConv2D") == 3 and "BatchNormalization" in kinds
    else:
        assert kinds == ["InputLayer", "ZeroPadding2D", "Conv2D", "Conv2D", "ZeroPadding2D", "Conv2D"]


def test_empty_regions_are_listed():
    with pytest.warns(UserWarning, match=r"8 of 24 regions.*\(ring 2, sector 0\), \(ring 2, sector 1\).*fewer levels"):
        LogPolarConv2D(4, 5, levels=3, angles=8)


def test_a_maximum_sends_its_gradient_to_one_cell():
    """Where many values are equal, as behind a ReLU, one of them gets all of it, on every backend."""
    layer = LogPolarConv2D(1, 5, pooling="max", center=False, padding="valid")
    _, gradient, _ = gradients(layer_of_ones(layer), np.full((1, 5, 5, 1), 2.0, "float32"))
    assert np.count_nonzero(gradient) == 12
    assert_close(gradient.sum(), 12 * 2 * 24.0)


def layer_of_ones(layer):
    layer.build((None, 5, 5, 1))
    layer.kernel.assign(np.ones(layer.kernel.shape))
    return layer


def test_arithmetic_is_that_of_the_definition():
    layer = LogPolarConv2D(16, 9, strides=2)
    assert layer.macs((None, 32, 31, 3)) == 16 * 16 * 16 * 3 * 13


@pytest.mark.parametrize("pooling", ["mean", "sum", "max"])
def test_integers_are_pooled_as_the_numbers_they_are(pooling):
    """Keras hands integers over as they are; their sums must neither wrap around nor lose their fractions."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), "uint8")
    layer = LogPolarConv2D(4, 5, pooling=pooling, implementation="shift" if pooling == "max" else "auto")
    expected = layer(pixels.astype("float32"))
    for name in ("shift",) if pooling == "max" else ("dense", "shift"):
        layer.implementation = name
        assert_close(layer(pixels), expected, REL, name=name)


def test_both_kernels_begin_with_numbers_of_their_own():
    """Also where the seed is fixed, and with an initializer that is a function."""
    layer = LogPolarConv2D(8, 5, 1, 4, kernel_initializer=keras.initializers.HeNormal(seed=1))
    layer.build((None, 8, 8, 16))
    first, middle = (keras.ops.convert_to_numpy(w) for w in (layer.kernel[0], layer.center_kernel))
    assert abs(np.corrcoef(first.ravel(), middle.ravel())[0, 1]) < 0.4
    layer = LogPolarConv2D(8, 5, kernel_initializer=lambda shape, dtype=None: keras.ops.full(shape, 2.0, dtype))
    layer.build((None, 8, 8, 2))
    assert keras.ops.convert_to_numpy(layer.center_kernel).min() == 2


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="distribution of JAX")
def test_the_choice_sees_cpus_behind_a_distribution():
    devices = keras.distribution.list_devices("cpu")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    try:
        layer = LogPolarConv2D(64, 13, levels=3, angles=8)
        layer.build((None, 32, 32, 3))
    finally:
        keras.distribution.set_distribution(None)
    assert layer.form == "shift"
