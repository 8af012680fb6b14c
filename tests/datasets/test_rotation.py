from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.datasets.rotation import rotate_images

pytestmark = pytest.mark.once


def slow_rotation(image: np.ndarray, degrees: float) -> np.ndarray:
    """The recipe of the data set's README, pixel by pixel in plain Python."""
    height, width = image.shape
    t = math.radians(degrees)

    def source(row: int, column: int) -> float:
        return float(image[row, column]) if 0 <= row < height and 0 <= column < width else 0.0

    result = np.zeros_like(image)
    for i in range(height):
        for j in range(width):
            x, y = j - (width - 1) / 2, i - (height - 1) / 2
            column = x * math.cos(t) - y * math.sin(t) + (width - 1) / 2
            row = x * math.sin(t) + y * math.cos(t) + (height - 1) / 2
            c, r = math.floor(column), math.floor(row)
            u, v = column - c, row - r
            upper = (1 - u) * source(r, c) + u * source(r, c + 1)
            lower = (1 - u) * source(r + 1, c) + u * source(r + 1, c + 1)
            result[i, j] = math.floor((1 - v) * upper + v * lower + 0.5)
    return result


@pytest.mark.parametrize("shape", [(28, 28), (9, 12)])
def test_agrees_with_the_recipe_pixel_by_pixel(shape):
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (20, *shape, 1), dtype=np.uint8)
    degrees = rng.uniform(0, 360, 20)
    result = rotate_images(images, degrees)
    for image, angle, turned in zip(images, degrees, result, strict=True):
        np.testing.assert_array_equal(turned[..., 0], slow_rotation(image[..., 0], angle))


@pytest.mark.parametrize("quarters", [0, 1, 2, 3, 4])
def test_quarter_turns_are_exact_and_anticlockwise(quarters):
    images = np.random.default_rng(2).integers(0, 256, (3, 28, 28, 1), dtype=np.uint8)
    turned = rotate_images(images, np.full(3, 90.0 * quarters))
    np.testing.assert_array_equal(turned, np.rot90(images, quarters, axes=(1, 2)))


def test_images_and_channels_are_independent():
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (11, 8, 8, 3), dtype=np.uint8)
    degrees = rng.uniform(0, 360, 11)
    together = rotate_images(images, degrees)
    for n in range(11):
        for channel in range(3):
            alone = rotate_images(images[n : n + 1, :, :, channel : channel + 1], degrees[n : n + 1])
            np.testing.assert_array_equal(together[n, :, :, channel], alone[0, :, :, 0])


def test_corners_leave_the_frame():
    white = np.full((1, 28, 28, 1), 255, np.uint8)
    turned = rotate_images(white, np.array([45.0]))
    assert turned[0, 0, 0, 0] == 0 and turned[0, 14, 14, 0] == 255


def test_empty_batch():
    assert rotate_images(np.zeros((0, 28, 28, 1), np.uint8), np.zeros(0)).shape == (0, 28, 28, 1)


@pytest.mark.parametrize("bad", [np.zeros((2, 28, 28), np.uint8), np.zeros((2, 28, 28, 1)), [[1]]])
def test_refuses_other_arrays(bad):
    with pytest.raises(ValueError, match=r"uint8 images of shape \(B, H, W, C\)"):
        rotate_images(bad, np.zeros(2))


def test_refuses_a_wrong_number_of_angles():
    with pytest.raises(ValueError, match=r"one angle an image, shape \(2,\); got shape \(3,\)"):
        rotate_images(np.zeros((2, 4, 4, 1), np.uint8), np.zeros(3))
