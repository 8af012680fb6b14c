"""Log-polar convolution: region maps, golden tensors in both implementations, folding, errors."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import gradients, normal, randomize
from zoo.layers import LogPolarConv2D, _log_polar
from zoo.math import log_polar_from_folded, log_polar_map, log_polar_to_folded
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "lpsc"
FIXTURES = sorted(path.stem.removeprefix("layer_") for path in FOLDER.glob("layer_*.npz"))
LAYERS = [name for name in FIXTURES if "even_nocenter" not in name]  # an even window is no layer here
REL = 1e-5
EAGER = keras.backend.backend() == "torch"
POOLINGS = {"avg_pool": "mean", "sum_pool": "sum", "max_pool": "max"}


def region_map(config):
    ratio = config["ratio"] if config["ratio"] > 0 else None
    return log_polar_map(
        (config["kh"], config["kw"]),
        config["num_levels"],
        config["ang_levels"],
        config["facbase"],
        rotation=config["ini_angle"],
        ratio=ratio,
        reference_map=True,
    )


@pytest.mark.parametrize("name", FIXTURES)
def test_region_map_matches_the_reference(name):
    golden = load_golden(FOLDER / f"layer_{name}.npz")
    found = region_map(golden.config)
    np.testing.assert_array_equal(found.level, golden["levelmap"])
    np.testing.assert_array_equal(found.angle, golden["anglemap"])
    # The folded index of every cell, counted from 1: the place of its region's number in the folded layout.
    numbers = np.arange(found.regions, dtype="float32").reshape(-1, 1, 1)
    place = np.argsort(log_polar_to_folded(numbers, found.levels).ravel())
    np.testing.assert_array_equal(place[found.region] + 1, golden["targetmap"])


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


def test_maps_of_the_published_settings():
    counts = {
        (5, 2, 6, 3): [3, 1, 1, 2, 1, 1, 3, 3, 2, 3, 3, 2],
        (9, 2, 6, 3): [3, 1, 1, 2, 1, 1, 14, 11, 11, 14, 11, 11],
        (9, 2, 8, 2): [3, 1, 2, 1, 2, 1, 2, 1, 8, 9, 8, 9, 8, 9, 8, 9],
        (9, 3, 8, 2): [2] + [1] * 7 + [2] * 8 + [7] * 8,
        (11, 3, 8, 2): [2] + [1] * 7 + [2] * 8 + [12] * 8,
        (13, 2, 6, 3): [4, 2, 1, 3, 2, 1, 30, 22, 26, 30, 22, 26],
    }
    for settings, expected in counts.items():
        found = log_polar_map(*settings)
        assert found.counts.tolist() == expected, settings
        assert found.membership().sum() == settings[0] ** 2
    np.testing.assert_allclose(log_polar_map(13, 3, 8, 2).radii ** 2, [2.25, 9, 36])


def test_options_of_the_map():
    whole, clipped = log_polar_map(9, 2, 6, 3), log_polar_map(9, 2, 6, 3, clip_corners=True)
    rows, columns = np.mgrid[-4:5, -4:5]
    np.testing.assert_array_equal(clipped.region == -1, rows**2 + columns**2 > 18)
    without = log_polar_map(9, 2, 6, 3, center_in_region=False)
    assert without.region[4, 4] == -1 and (without.region != whole.region).sum() == 1
    # Turned by two sectors, counter-clockwise; the reference turns its sectors the other way.
    turned = log_polar_map(9, 2, 8, 2, rotation=np.pi / 2)
    np.testing.assert_array_equal(turned.region, np.rot90(log_polar_map(9, 2, 8, 2).region))
    backwards = log_polar_map(9, 2, 8, 2, rotation=np.pi / 2, reference_map=True)
    assert (turned.angle[0, 4], backwards.angle[0, 4]) == (0, 4)  # the cell straight up
    # A cell that lands on 2 pi: in the reference it is in the last sector, not the first.
    assert log_polar_map(9, 2, 8, 2, rotation=-np.pi).angle[4, 0] == 0
    assert log_polar_map(9, 2, 8, 2, rotation=np.pi, reference_map=True).angle[4, 0] == 7
    # An upright window is its lying one turned; not so in the reference, which measures both along the row.
    upright, lying = (log_polar_map(size, 2, 4, 2).level for size in ((13, 5), (5, 13)))
    np.testing.assert_array_equal(upright, lying.T)
    assert (log_polar_map((13, 5), 2, 4, 2, reference_map=True).level == 0).sum() > (upright == 0).sum()


def test_folded_layout_and_back():
    kernel = normal(3 * 8, 2, 5)
    weight = log_polar_to_folded(kernel, levels=3)
    assert weight.shape == (5, 2, 6, 4)
    np.testing.assert_array_equal(log_polar_from_folded(weight), kernel)
    # Ring l and sector a of the upper half lie at row L - 1 - l and column A / 2 - 1 - a; of the lower, at L + l and
    # a - A / 2.
    np.testing.assert_array_equal(weight[:, :, 0, 3], kernel[2 * 8 + 0].T)
    np.testing.assert_array_equal(weight[:, :, 4, 2], kernel[1 * 8 + 6].T)
    with pytest.raises(ValueError, match="`levels` must be a positive integer; got 0"):
        log_polar_to_folded(kernel, levels=0)


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
