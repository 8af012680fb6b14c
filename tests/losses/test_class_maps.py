"""Class activation maps and their areas against the NumPy formulas of our reading, and their identities."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.losses.compiled import MODES, in_mode
from zoo.losses import check_threshold, class_maps, high_areas, normalize_maps, resize_maps
from zoo.math.cam import bilinear_matrix
from zoo.testing import load_golden

GOLDEN = load_golden(Path(__file__).parents[1] / "golden" / "scene" / "cam_focus.npz")
KINDS = ("relumax", "minmax")


def numpy(tensor: object) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("classes", ["labels", "pred"])
def test_class_maps(mode, classes):
    features, kernel = GOLDEN["features"].astype("float32"), GOLDEN["head_kernel"].astype("float32")
    chosen = GOLDEN[classes].astype("int32")
    expected = GOLDEN["cam" if classes == "labels" else "cam_pred"]
    maps = numpy(in_mode(lambda f, k: class_maps(f, k, chosen), mode)(features, kernel))
    np.testing.assert_allclose(maps, expected, atol=2e-5)
    every = numpy(in_mode(class_maps, mode)(features, kernel))
    np.testing.assert_allclose(every[np.arange(4), :, :, chosen], expected, atol=2e-5)
    np.testing.assert_allclose(every.mean((1, 2)) + GOLDEN["head_bias"], GOLDEN["logits"], atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_normalised_and_resized(mode, kind):
    maps = GOLDEN["cam"].astype("float32")
    native = numpy(in_mode(lambda m: normalize_maps(m, kind), mode)(maps))
    np.testing.assert_allclose(native, GOLDEN[f"norm_{kind}"], atol=1e-6)
    first = numpy(in_mode(lambda m: resize_maps(normalize_maps(m, kind), (28, 28)), mode)(maps))
    np.testing.assert_allclose(first, GOLDEN[f"up_{kind}"], atol=1e-6)
    last = numpy(in_mode(lambda m: normalize_maps(resize_maps(m, (28, 28)), kind), mode)(maps))
    np.testing.assert_allclose(last, GOLDEN[f"up_then_norm_{kind}"], atol=2e-6)
    for number, threshold in enumerate(GOLDEN["taus"]):
        for grid, values in (("native", native), ("up", first), ("up_then_norm", last)):
            areas = numpy(in_mode(lambda m, t=threshold: high_areas(m, float(t)), mode)(values)).mean((1, 2))
            np.testing.assert_array_equal(areas, GOLDEN[f"focus_{grid}_{kind}"][:, number])


def test_resizing_is_that_of_keras():
    maps = np.random.default_rng(0).random((2, 5, 7)).astype("float32")
    expected = ops.image.resize(maps[..., None], (20, 9), "bilinear", antialias=False, data_format="channels_last")
    np.testing.assert_allclose(numpy(resize_maps(maps, (20, 9))), numpy(expected)[..., 0], atol=1e-6)
    with pytest.raises(ValueError, match="sizes of at least 1; got 0 and 4"):
        bilinear_matrix(0, 4)


def test_classes_that_the_head_does_not_have() -> None:
    features, kernel = np.ones((3, 2, 2, 4), "float32"), np.ones((4, 5), "float32")
    for wrong in ([0, 5, 1], [-1, 0, 0], [[0, 1], [255, 0], [1, 2]]):
        with pytest.raises(
            ValueError, match=r"Expected classes from 0 to 4, as the head has 5 outputs; got \[(5|-1|255)\]"
        ):
            class_maps(features, kernel, np.array(wrong))
    if keras.backend.backend() == "torch":
        return
    maps = numpy(in_mode(lambda c: class_maps(features, kernel, c), "compiled")(np.array([0, 5, -1])))
    assert np.isnan(maps).all(axis=(1, 2)).tolist() == [False, True, True]


def test_precision_is_float32_or_that_of_the_maps() -> None:
    half = class_maps(ops.ones((1, 4, 4, 3000), "bfloat16"), ops.ones((3000, 2), "bfloat16"), np.array([1]))
    assert keras.backend.standardize_dtype(half.dtype) == "float32" and float(half[0, 0, 0]) == 3000
    if keras.backend.backend() == "tensorflow":
        assert keras.backend.standardize_dtype(resize_maps(np.ones((1, 2, 2)), (3, 3)).dtype) == "float64"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [-2.0, 0.0, 3.0])
def test_constant_maps_have_no_area(kind, value):
    maps = np.full((2, 4, 4), value, "float32")
    maps[1, 0, 0] += 1e-6 * abs(value)  # what rounding makes of a constant
    values = numpy(normalize_maps(maps, kind))
    assert np.isfinite(values).all() and not values.any()
    assert not numpy(high_areas(values, 0.0)).any()


def test_area_falls_with_the_threshold_and_its_integral_is_the_mean():
    maps = normalize_maps(np.random.default_rng(1).normal(size=(3, 9, 9)).astype("float32"))
    grid = (np.arange(4000) + 0.5) / 4000
    areas = np.stack([numpy(high_areas(maps, float(t))).mean((1, 2)) for t in grid[::20]])
    assert (np.diff(areas, axis=0) <= 0).all()
    integral = (numpy(maps)[None] >= grid[:, None, None, None]).mean((0, 2, 3))
    np.testing.assert_allclose(integral, numpy(maps).mean((1, 2)), atol=3e-4)


def test_masks_do_not_change_with_the_scale_of_the_head():
    rng = np.random.default_rng(2)
    features, kernel = rng.random((2, 6, 6, 4)).astype("float32"), rng.normal(size=(4, 3)).astype("float32")
    one, two = (high_areas(normalize_maps(class_maps(features, f * kernel, np.array([0, 2]))), 0.4) for f in (1, 8.0))
    assert numpy(one).any()
    np.testing.assert_array_equal(numpy(one), numpy(two))


def test_errors():
    with pytest.raises(ValueError, match="normalization to be one of .*; got 'max'"):
        normalize_maps(np.zeros((1, 2, 2)), "max")
    for threshold in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match=r"threshold` to be a number in \[0, 1\]"):
            check_threshold(threshold)
