from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import AUGMENTATIONS, augmentation
from zoo.datasets.augment import MAX_SHIFT, affine, rotate, shift
from zoo.datasets.keras_layers import LAYERS
from zoo.datasets.rotation import rotate_images, warp_images

pytestmark = pytest.mark.once

OURS = sorted(AUGMENTATIONS.keys() - LAYERS)


@pytest.fixture
def batch() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 28, 28, 1), dtype=np.uint8)


@pytest.mark.parametrize("name", OURS)
def test_is_a_pure_function_of_batch_and_generator(name, batch):
    before = batch.copy()
    first = augmentation(name)(batch, np.random.default_rng(5))
    second = augmentation(name)(batch, np.random.default_rng(5))
    other = augmentation(name)(batch, np.random.default_rng(6))
    assert first.shape == batch.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    np.testing.assert_array_equal(batch, before)


@pytest.mark.parametrize("name", OURS)
def test_an_empty_batch_stays_empty(name, batch):
    changed = augmentation(name)(batch[:0], np.random.default_rng(0))
    assert changed.shape == (0, 28, 28, 1) and changed.dtype == np.uint8


def test_rotate_keeps_the_ink_of_centred_digits():
    digits = np.zeros((64, 28, 28, 1), np.uint8)
    digits[:, 8:20, 11:17] = 200
    turned = rotate(digits, np.random.default_rng(0))
    ink = turned.sum(axis=(1, 2, 3)) / digits[0].sum()
    assert np.abs(ink - 1).max() < 0.02
    assert len(np.unique(turned.reshape(64, -1), axis=0)) == 64  # every image has its own angle


def test_shift_moves_by_whole_pixels_and_fills_with_zeros():
    dots = np.zeros((500, 28, 28, 1), np.uint8)
    dots[:, 14, 14] = 255
    moved = shift(dots, np.random.default_rng(0))
    where = np.argwhere(moved[..., 0] == 255)[:, 1:] - 14
    assert len(where) == 500
    assert {tuple(move) for move in where.tolist()} == {
        (i, j) for i in range(-MAX_SHIFT, MAX_SHIFT + 1) for j in range(-MAX_SHIFT, MAX_SHIFT + 1)
    }
    assert int(moved.astype(int).sum()) == 500 * 255


def test_unknown_name():
    with pytest.raises(
        ValueError, match=r"'rotat'\. Did you mean 'rotate'\? Expected one of: affine, auto_contrast, cutmix, cutout"
    ):
        augmentation("rotat")


def test_mixers_are_another_kind():
    with pytest.raises(ValueError, match="'mixup' mixes labels as well as images"):
        augmentation("mixup")


@pytest.mark.parametrize("name", OURS)
def test_refuses_floats(name):
    with pytest.raises(ValueError, match="uint8 images"):
        augmentation(name)(np.zeros((2, 28, 28, 1)), np.random.default_rng(0))


def pixel(batch, place):
    """What one pixel of the input gives in the output, as its weight and its centre (row, column)."""
    share = batch[..., 0] / batch[..., 0].sum(axis=(1, 2), keepdims=True)
    rows, columns = np.indices(batch.shape[1:3])
    return np.stack([(share * rows).sum(axis=(1, 2)), (share * columns).sum(axis=(1, 2))], axis=-1) - place


def blots(place, count=4000, size=31):
    """Smooth blots at a place (row, column) from the centre."""
    rows, columns = np.indices((size, size)) - (size - 1) / 2
    blot = 255 * np.exp(-((rows - place[0]) ** 2 + (columns - place[1]) ** 2) / 4)
    return np.repeat(np.rint(blot).astype("uint8")[None, ..., None], count, axis=0)


@pytest.mark.parametrize(
    ("options", "across", "along"),
    [
        ({"scale": 0.1, "shear": 0.0}, (0.0, 0.8), (0.8, 0.0)),
        ({"scale": 0.0, "shear": 0.1}, (0.0, 0.0), (0.0, 0.8)),
        ({"scale": 0.0, "shear": 0.0, "elastic": 0.7}, (0.7, 0.7), (0.7, 0.7)),
    ],
)
def test_affine_moves_blots_by_as_much_as_its_strengths_say(options, across, along):
    """Standard deviations of the moves along rows and columns, 8 pixels right of the centre and 8 below it."""
    for place, wanted in (((0, 8), across), ((8, 0), along)):
        moved = affine(blots(place), np.random.default_rng(0), degrees=0.0, **options)
        found = pixel(moved.astype("float64"), np.add(place, 15))
        np.testing.assert_allclose(found.std(axis=0), wanted, atol=0.08)
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=0.1)


def test_affine_without_strengths_turns_only(batch):
    turned = affine(batch, np.random.default_rng(4), degrees=30.0, scale=0.0, shear=0.0)
    angles = np.random.default_rng(4).uniform(-30, 30, len(batch))
    np.testing.assert_array_equal(turned, rotate_images(batch, angles))
    np.testing.assert_array_equal(affine(batch, np.random.default_rng(4), degrees=0, scale=0, shear=0), batch)


def test_elastic_moves_are_smooth():
    """Neighbouring pixels stay neighbours: a ramp stays one."""
    ramp = np.broadcast_to(np.arange(60, 230, 5, dtype="uint8")[:, None], (50, 34, 34))[..., None]
    bent = affine(ramp, np.random.default_rng(0), degrees=0, scale=0, shear=0, elastic=1.0)[:, 5:-5, 5:-5, 0]
    steps = np.diff(bent.astype(int), axis=1)
    assert steps.min() >= 0 and steps.max() <= 13 and steps.std() > 0.5


def test_warp_refuses_what_does_not_match(batch):
    with pytest.raises(ValueError, match=r"matrices of shape \(32, 2, 2\); got \(2, 2\)"):
        warp_images(batch, np.eye(2))
    with pytest.raises(ValueError, match=r"moves of shape \(32, 2, 28, 28\)"):
        warp_images(batch, np.tile(np.eye(2), (32, 1, 1)), np.zeros((32, 28, 28, 2)))


@pytest.mark.parametrize("options", [{"scale": -0.1}, {"shear": np.nan}, {"elastic": np.inf}, {"degrees": -1}])
def test_affine_refuses_strengths_that_cannot_be(batch, options):
    with pytest.raises(ValueError, match=f"Expected {next(iter(options))} of at least 0"):
        affine(batch, np.random.default_rng(0), **options)


def test_options_of_augmentations(batch):
    chosen = augmentation("flip", probability=1.0)
    np.testing.assert_array_equal(chosen(batch, np.random.default_rng(0)), batch[:, :, ::-1])
    with pytest.raises(
        ValueError,
        match=r"no option 'sheer'. Did you mean 'shear'\? Expected some of: degrees, scale",
    ):
        augmentation("affine", sheer=0.1)
    with pytest.raises(ValueError, match=r"'rotate' has no option 'degrees'. Expected some of: none"):
        augmentation("rotate", degrees=3)
