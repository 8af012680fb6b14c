"""Log-polar convolution: region maps, golden tensors in both implementations, folding, errors."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from tests.layers.equivariant import gradients
from zoo.layers import LogPolarConv2D
from zoo.math import log_polar_from_folded, log_polar_map, log_polar_to_folded
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "lpsc"
FIXTURES = sorted(path.stem.removeprefix("layer_") for path in FOLDER.glob("layer_*.npz"))
LAYERS = [name for name in FIXTURES if "even_nocenter" not in name]  # an even window is no layer here
REL = 1e-5
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
