"""The statistic of neighbourhoods, and its means over regions."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.evaluation import center_correlation, region_means
from zoo.math import log_polar_map

pytestmark = pytest.mark.once


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


@pytest.mark.parametrize("scale", [1.0, 1 / 255, 1e-4 / 255])
def test_a_flat_image_does_not_spoil_the_mean(scale: float) -> None:
    """Whatever rounding leaves of its variance, and however little contrast the others have."""
    images = pictures()
    expected = center_correlation(images, 3, per_image=True)
    for value in (7, 50, 201):
        mixed = np.concatenate([images, np.full_like(images[:1], value)]) * scale + (scale < 1)
        np.testing.assert_allclose(center_correlation(mixed, 3, per_image=True), expected, atol=1e-6)


def test_an_offset_without_contrast_has_no_score() -> None:
    image = np.zeros((1, 6, 6, 1))
    image[0, 1, 1] = 1.0  # the last offset of a 3x3 window never meets it
    for per_image in (False, True):
        scores = center_correlation(image, 3, per_image=per_image)
        assert np.isnan(scores[2, 2]) and abs(scores[1, 1] - 1) < 1e-12


def test_region_means_leave_the_middle_out() -> None:
    regions = log_polar_map(5, 2, 6, 3)
    scores = np.where(np.arange(25).reshape(5, 5) == 12, 100.0, regions.region)
    np.testing.assert_allclose(region_means(scores, regions).ravel(), np.arange(12))
    alone = log_polar_map(1, 1, 2, 2)
    assert np.isnan(region_means(np.ones((1, 1)), alone)).all()


def test_what_the_statistic_refuses() -> None:
    with pytest.raises(ValueError, match=r"`kernel_size` to be an odd positive integer \(1, 3, 5, \.\.\.\); got 4"):
        center_correlation(pictures(), 4)
    with pytest.raises(ValueError, match="`regions` of a layer; got ndarray"):
        region_means(np.ones((5, 5)), np.ones((5, 5)))
    with pytest.raises(ValueError, match="at least 17x17"):
        center_correlation(pictures(), 17)
    for wrong in (pictures()[:0], np.full((2, 16, 16, 1), 7.0), pictures() * np.nan):
        with pytest.raises(ValueError, match="Expected"):
            center_correlation(wrong, 5)
    with pytest.raises(ValueError, match=r"map's shape \(5, 5\); got \(3, 3\)"):
        region_means(np.ones((3, 3)), log_polar_map(5, 2, 6, 3))
