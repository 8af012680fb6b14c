"""The statistic of neighbourhoods, effective receptive fields, and scores of segmentations."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.evaluation import center_correlation, effective_receptive_field, region_means, segmentation_scores
from zoo.layers import LogPolarConv2D
from zoo.math import log_polar_map


def pictures(count: int = 3) -> np.ndarray:
    """Noise whose neighbours are alike."""
    noise = np.random.default_rng(0).normal(size=(count, 16, 14, 2))
    smooth = noise + np.roll(noise, 1, axis=1) + np.roll(noise, 1, axis=2)
    return np.clip(128 + 40 * smooth, 0, 255).astype("uint8")


def test_correlation_equals_numpys() -> None:
    images, k = pictures(), 5
    scores = center_correlation(images, k)
    middle = images[:, 2:14, 2:12].astype(float)
    for row, column in ((0, 0), (1, 2), (2, 2), (4, 1)):
        other = images[:, row : row + 12, column : column + 10].astype(float)
        assert abs(scores[row, column] - np.corrcoef(middle.ravel(), other.ravel())[0, 1]) < 1e-9
        alone = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(middle, other, strict=True)]
        assert abs(center_correlation(images, k, per_image=True)[row, column] - np.mean(alone)) < 1e-9


def test_a_flat_image_does_not_spoil_the_mean() -> None:
    images = pictures()
    flat = np.concatenate([images, np.full_like(images[:1], 7)])
    expected = center_correlation(images, 3, per_image=True)
    np.testing.assert_allclose(center_correlation(flat, 3, per_image=True), expected)


def test_region_means_leave_the_middle_out() -> None:
    regions = log_polar_map(5, 2, 6, 3)
    scores = np.where(np.arange(25).reshape(5, 5) == 12, 100.0, regions.region)
    np.testing.assert_allclose(region_means(scores, regions).ravel(), np.arange(12))
    alone = log_polar_map(1, 1, 2, 2)
    assert np.isnan(region_means(np.ones((1, 1)), alone)).all()


def test_what_the_statistic_refuses() -> None:
    with pytest.raises(ValueError, match="at least 17x17"):
        center_correlation(pictures(), 17)
    for wrong in (pictures()[:0], np.full((2, 16, 16, 1), 7.0), pictures() * np.nan):
        with pytest.raises(ValueError, match="Expected"):
            center_correlation(wrong, 5)
    with pytest.raises(ValueError, match=r"map's shape \(5, 5\); got \(3, 3\)"):
        region_means(np.ones((3, 3)), log_polar_map(5, 2, 6, 3))


def two_layers() -> keras.Model:
    inputs = keras.Input((15, 15, 1), name="image")
    x = LogPolarConv2D(1, 7, kernel_initializer="ones", name="first")(inputs)
    x = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones", name="second")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x))


def test_receptive_field_of_a_linear_layer_is_its_kernel() -> None:
    model, images = two_layers(), np.random.default_rng(1).normal(size=(2, 15, 15, 1))
    field = effective_receptive_field(model, images, "first")
    kernel = np.abs(keras.ops.convert_to_numpy(model.get_layer("first").dense_kernel())[..., 0, 0])
    np.testing.assert_allclose(field[4:11, 4:11], kernel / kernel.sum(), rtol=1e-5)
    assert (field > 0).sum() == 49
    behind = effective_receptive_field(model, images)  # the last map: that of the second layer
    assert (behind > 0).sum() == 81 and abs(behind.sum() - 1) < 1e-6


def test_what_has_no_receptive_field() -> None:
    model, images = two_layers(), np.zeros((1, 15, 15, 1))
    with pytest.raises(ValueError, match="no layer 'third'; it has .*second"):
        effective_receptive_field(model, images, "third")
    with pytest.raises(ValueError, match="Expected a feature map"):
        effective_receptive_field(model, images, "pool")
    model.get_layer("second").kernel.assign(np.zeros((3, 3, 1, 1)))
    with pytest.raises(ValueError, match="gradient is zero"):
        effective_receptive_field(model, images)


def test_segmentation_scores() -> None:
    truth = np.array([[[0, 0, 1], [1, 255, 1]]])
    logits = np.eye(4)[[[[0, 1, 1], [1, 2, 0]]]]
    scores = segmentation_scores(logits, truth)
    assert scores["pixels"] == 5 and scores["accuracy"] == 3 / 5
    np.testing.assert_allclose(scores["iou"], [1 / 3, 2 / 4, np.nan, np.nan])
    assert abs(scores["mean_iou"] - (1 / 3 + 1 / 2) / 2) < 1e-12
    truth[truth == 255] = 2
    assert segmentation_scores(logits, truth, ignore=None)["accuracy"] == 4 / 6
    with pytest.raises(ValueError, match="No pixel counts"):
        segmentation_scores(logits, np.full_like(truth, 255))
    with pytest.raises(ValueError, match="labels from 0 to 3"):
        segmentation_scores(logits, truth + 2)
    with pytest.raises(ValueError, match="integer labels of shape"):
        segmentation_scores(logits, truth[0])


def test_data_sets_of_label_maps_are_unknown() -> None:
    inputs = keras.Input((4, 4, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 1)(inputs), name="pixels")
    with pytest.raises(ValueError, match="'pixels' classifies pixels.*segmentation_scores"):
        zoo.evaluate(model, dataset="cifar10")
