"""What is erased, and what comes into its place."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from tests.losses.compiled import MODES, in_mode
from zoo.losses import ErasePolicy, high_areas, normalize_maps, resize_maps

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (4, 12, 12, 3)).astype("float32")
MAPS = RNG.normal(size=(4, 3, 3)).astype("float32")
MAPS[2] = -1.0  # nothing to erase
MEAN, STD = np.array([120.0, 110.0, 100.0], "float32"), np.array([60.0, 50.0, 40.0], "float32")


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def expected_areas(threshold: float, size=(12, 12)) -> np.ndarray:
    """By the formulas, in float64: normalise, then resize."""
    maps = np.maximum(MAPS.astype("float64"), 0)
    maps /= np.maximum(maps.max((1, 2), keepdims=True), 1e-9)
    place = np.clip((np.arange(size[0]) + 0.5) * 3 / size[0] - 0.5, 0, 2)
    low = place.astype(int)
    high, part = np.minimum(low + 1, 2), (place - low)[:, None]
    rows = maps[:, low] * (1 - part) + maps[:, high] * part
    part = part.T
    return rows[:, :, low] * (1 - part) + rows[:, :, high] * part >= threshold


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_areas(mode, threshold):
    policy = ErasePolicy(threshold=threshold)
    areas = numpy(in_mode(lambda maps: policy.areas(maps, (12, 12)), mode)(MAPS))
    np.testing.assert_array_equal(areas, expected_areas(threshold))
    assert not areas[2].any() and areas[0].any()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fill", ["mean", "image_mean", "batch_mean", "constant"])
def test_fills(mode, fill):
    policy, areas = ErasePolicy(fill=fill, constant=7.0), expected_areas(0.5)
    erased = numpy(in_mode(lambda x, a: policy.erase(x, a, mean=MEAN, std=STD), mode)(IMAGES, areas))
    value = {
        "mean": MEAN,
        "image_mean": IMAGES.mean((1, 2), keepdims=True),
        "batch_mean": IMAGES.mean((0, 1, 2)),
        "constant": 7.0,
    }[fill]
    np.testing.assert_allclose(erased, np.where(areas[..., None], value, IMAGES), rtol=1e-5)
    np.testing.assert_array_equal(erased[2], IMAGES[2])  # an empty mask: the image itself


def test_noise_has_the_colours_of_the_data():
    areas = np.ones((4, 12, 12), bool)
    policy = ErasePolicy(fill="noise")
    one, two = (numpy(policy.erase(IMAGES, areas, mean=MEAN, std=STD, seed=seed)) for seed in (1, 2))
    assert policy.is_random and not np.array_equal(one, two)
    np.testing.assert_allclose(one.mean((0, 1, 2)), MEAN, atol=12)
    np.testing.assert_allclose(one.std((0, 1, 2)), STD, rtol=0.15)


def test_features():
    policy = ErasePolicy(level="feature")
    features = RNG.random((4, 3, 3, 5)).astype("float32")
    areas = policy.areas(MAPS, (3, 3))
    erased = numpy(policy.erase(features, areas))
    np.testing.assert_array_equal(erased, np.where(expected_areas(0.5, (3, 3))[..., None], 0, features))


def test_several_classes_are_united():
    several = np.stack([MAPS, -MAPS], axis=-1)
    policy = ErasePolicy(threshold=0.4)
    union = numpy(policy.areas(several, (6, 6)))
    each = [numpy(policy.areas(several[..., i], (6, 6))) for i in range(2)]
    np.testing.assert_array_equal(union, each[0] | each[1])


def test_options_of_the_mask():
    areas = numpy(ErasePolicy().areas(MAPS, (12, 12)))
    grown = numpy(ErasePolicy(dilate=1).areas(MAPS, (12, 12)))
    padded = np.pad(areas, ((0, 0), (1, 1), (1, 1)))
    around = np.any([padded[:, i : i + 12, j : j + 12] for i in range(3) for j in range(3)], axis=0)
    np.testing.assert_array_equal(grown, around)
    np.testing.assert_array_equal(numpy(ErasePolicy(shuffle=True).choose(areas)), np.roll(areas, 1, axis=0))
    assert not numpy(ErasePolicy(probability=0.0).choose(areas, seed=0)).any()
    half = numpy(ErasePolicy(probability=0.5).choose(np.ones((400, 2, 2), bool), seed=0)).all((1, 2))
    assert 120 < half.sum() < 280
    fixed = ErasePolicy(random_threshold=(0.7, 0.7))
    np.testing.assert_array_equal(numpy(fixed.areas(MAPS, (12, 12), seed=0)), expected_areas(0.7))


def test_a_random_threshold_lies_between_its_bounds():
    line = (np.arange(1000) / 999).reshape(1, 1, -1).astype("float32")
    seeds = keras.random.SeedGenerator(0)
    policy = ErasePolicy(random_threshold=(0.2, 0.6))
    thresholds = [1 - numpy(policy.areas(line, (1, 1000), seed=seeds)).mean() for _ in range(20)]
    assert 0.19 < min(thresholds) < 0.35 < 0.45 < max(thresholds) < 0.61


def test_half_precision_images_keep_their_type():
    images = ops.cast(IMAGES, "float16")
    erased = ErasePolicy().erase(images, expected_areas(0.5), mean=MEAN)
    assert keras.backend.standardize_dtype(erased.dtype) == "float16"
    whole = ErasePolicy().erase(IMAGES.astype("uint8"), expected_areas(0.5), mean=MEAN)
    assert keras.backend.standardize_dtype(whole.dtype) == "float32"


def test_the_measure_and_the_mask_agree():
    maps = resize_maps(normalize_maps(MAPS), (12, 12))
    np.testing.assert_array_equal(numpy(high_areas(maps, 0.5)), numpy(ErasePolicy().areas(MAPS, (12, 12))))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 1.2}, r"threshold` to be a number in \[0, 1\].*; got 1.2"),
        ({"threshold": -0.1}, r"threshold` to be a number in \[0, 1\]"),
        ({"random_threshold": (0.5, 2)}, r"random_threshold` to be a number in \[0, 1\]"),
        ({"random_threshold": (0.5, 0.2)}, "bounds of random_threshold to rise"),
        ({"probability": 2.0}, r"probability` to be a number in \[0, 1\]"),
        ({"level": "pixel"}, "`level` to be one of .*; got 'pixel'"),
        ({"fill": "black"}, "`fill` to be one of"),
        ({"cam_class": "true"}, "`cam_class` to be one of"),
        ({"rounds": 0}, "`rounds` to be a positive integer"),
        ({"level": "feature", "rounds": 2}, "rounds=1 with level='feature'"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        ErasePolicy(**arguments)


def test_config():
    policy = ErasePolicy(random_threshold=[0.2, 0.4], fill="noise", dilate=2)
    assert ErasePolicy(**policy.get_config()) == policy and policy.random_threshold == (0.2, 0.4)
