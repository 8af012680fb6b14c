from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets.crops import cutout, flip, pad_crop, random_resized_crop

pytestmark = pytest.mark.once


@pytest.fixture
def batch() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (16, 20, 28, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("function", "nothing"),
    [
        (pad_crop, {"padding": 0}),
        (flip, {"probability": 0.0}),
        (random_resized_crop, {"area": (1.0, 1.0), "ratio": (1.0, 1.0)}),
        (cutout, {"size": 0}),
    ],
)
def test_identity_where_the_parameter_says_so(batch, function, nothing):
    np.testing.assert_array_equal(function(batch, np.random.default_rng(1), **nothing), batch)


def test_pad_crop_reaches_every_place_equally():
    dots = np.zeros((8100, 12, 12, 1), np.uint8)
    dots[:, 6, 6] = 255
    places = np.argwhere(pad_crop(dots, np.random.default_rng(0))[..., 0])[:, 1:] - 6
    counts = np.zeros((9, 9), int)
    np.add.at(counts, tuple((places + 4).T), 1)
    # 100 each on average; six standard deviations are 60.
    assert counts.min() > 40 and counts.max() < 160 and counts.sum() == 8100


def test_flip_mirrors_half_of_them_left_to_right(batch):
    images = np.repeat(batch[:1], 1000, axis=0)
    flipped = flip(images, np.random.default_rng(0))
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (flipped == images).all(axis=(1, 2, 3))
    assert (mirrored ^ same).all() and 420 < mirrored.sum() < 580
    np.testing.assert_array_equal(flip(batch, np.random.default_rng(0), probability=1.0), batch[:, :, ::-1])


def ramps(count: int, height: int, width: int) -> np.ndarray:
    """Channel 0 rises by 4 a row, channel 1 by 4 a column: a picture that tells where each pixel came from."""
    picture = np.zeros((count, height, width, 2), np.uint8)
    picture[..., 0] = 4 * np.arange(height)[:, None]
    picture[..., 1] = 4 * np.arange(width)
    return picture


def test_resized_crops_have_the_areas_and_ratios_asked_for():
    cropped = random_resized_crop(ramps(4000, 60, 60), np.random.default_rng(0)).astype(float)
    # A crop of part p of a side turns the slope 4 into 4 p; away from the rim, where the rows are repeated.
    heights = (cropped[:, 45, 30, 0] - cropped[:, 15, 30, 0]) / 4 / 30
    widths = (cropped[:, 30, 45, 1] - cropped[:, 30, 15, 1]) / 4 / 30
    areas, ratios = heights * widths, widths / heights
    assert areas.min() > 0.33 and areas.max() < 1.02
    assert 0.72 < ratios.min() < 0.78 and 1.28 < ratios.max() < 1.36
    uncut = (heights < 0.99) & (widths < 0.99)
    assert abs(np.median(ratios[uncut]) - 1) < 0.03
    assert 0.6 < areas.mean() < 0.68  # uniform in (0.35, 1) but for those cut to the image


def test_resized_crops_lie_everywhere():
    cropped = random_resized_crop(ramps(2000, 60, 60), np.random.default_rng(0), area=(0.25, 0.25), ratio=(1, 1))
    centres = cropped[:, 29:31, 29:31].astype(float).mean(axis=(1, 2)) / 4
    assert centres.min() < 16 and centres.max() > 43  # half the side: centres from 14.5 to 44.5
    np.testing.assert_allclose(centres.mean(axis=0), 29.5, atol=0.8)


def test_half_of_the_image_is_stretched_bilinearly():
    """The left half of a row of four: output centres lie at 0.25, 0.75, ... source pixels."""
    rng = np.random.default_rng(0)
    image = np.array([[[[0], [100], [0], [0]]] * 4], np.uint8).reshape(1, 4, 4, 1)

    class AtTheLeft:
        uniform = rng.uniform

        @staticmethod
        def random(shape):
            return np.zeros(shape)

    stretched = random_resized_crop(image, AtTheLeft(), area=(0.25, 0.25), ratio=(1, 1))
    np.testing.assert_array_equal(stretched[0, :, :, 0], [[0, 25, 75, 75]] * 4)


def test_cutout_paints_one_square_in_the_mean_colour():
    images = np.zeros((3000, 16, 16, 3), np.uint8)
    images[:, ::2, ::2] = [200, 100, 40]
    erased = cutout(images, np.random.default_rng(0), size=4)
    mean = [50, 25, 10]
    painted = (erased == mean).all(axis=-1)
    np.testing.assert_array_equal(erased[~painted], images[~painted])
    sizes = painted.sum(axis=(1, 2))
    # The centre is any pixel, so a square may lose rows and columns at the rim.
    assert sizes.max() == 16 and sizes.min() == 4
    assert abs(painted.mean() - (sum(min(i + 2, 16) - max(i - 2, 0) for i in range(16)) / 256) ** 2) < 0.002


def test_cutout_takes_half_of_the_side_by_default(batch):
    images = np.zeros((300, 8, 12, 1), np.uint8)
    images[:, 0, 0] = 255
    painted = (cutout(images, np.random.default_rng(0)) == 3).sum(axis=(1, 2, 3))  # 255 / 96 rounds to 3
    assert painted.max() == 16


@pytest.mark.parametrize(
    ("function", "bad", "message"),
    [
        (pad_crop, {"padding": -1}, "at least 0 pixels; got -1"),
        (flip, {"probability": 1.5}, r"in \[0, 1\]; got 1.5"),
        (random_resized_crop, {"area": (0.5, 1.5)}, "0 < low <= high"),
        (random_resized_crop, {"ratio": (2.0, 1.0)}, "0 < low <= high"),
        (cutout, {"size": -2}, "at least 0 pixels a side; got -2"),
    ],
)
def test_refuses_bad_parameters(batch, function, bad, message):
    with pytest.raises(ValueError, match=message):
        function(batch, np.random.default_rng(0), **bad)
