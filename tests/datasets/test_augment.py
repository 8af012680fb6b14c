from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import AUGMENTATIONS, augmentation
from zoo.datasets.augment import MAX_SHIFT, rotate, shift


@pytest.fixture
def batch() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (32, 28, 28, 1), dtype=np.uint8)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_is_a_pure_function_of_batch_and_generator(name, batch):
    before = batch.copy()
    first = augmentation(name)(batch, np.random.default_rng(5))
    second = augmentation(name)(batch, np.random.default_rng(5))
    other = augmentation(name)(batch, np.random.default_rng(6))
    assert first.shape == batch.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()
    np.testing.assert_array_equal(batch, before)


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
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
    with pytest.raises(ValueError, match=r"'rotat'\. Did you mean 'rotate'\? Expected one of: cutmix, cutout, flip"):
        augmentation("rotat")


def test_mixers_are_another_kind():
    with pytest.raises(ValueError, match="'mixup' mixes labels as well as images"):
        augmentation("mixup")


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
def test_refuses_floats(name):
    with pytest.raises(ValueError, match="uint8 images"):
        augmentation(name)(np.zeros((2, 28, 28, 1)), np.random.default_rng(0))
