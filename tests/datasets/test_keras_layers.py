"""Keras' layers as augmentations: the same for the same generator, and nothing kept between batches."""

from __future__ import annotations

import inspect

import keras
import numpy as np
import pytest

from zoo.datasets import AUGMENTATIONS, augmentation
from zoo.datasets.keras_layers import LAYERS
from zoo.training.batches import TrainingBatches

# Elsewhere each operation is compiled or started alone, which takes long; what is drawn is drawn by the same code.
TRIED = sorted(LAYERS) if keras.backend.backend() == "tensorflow" else ["random_brightness", "random_color_jitter"]
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3), dtype="uint8")


def rng(seed=1):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", TRIED)
def test_a_seed_fixes_the_pictures(name):
    change, kept = augmentation(name), IMAGES.copy()
    first = change(IMAGES, rng())
    change(IMAGES, rng(5))  # nothing of it is kept
    keras.utils.set_random_seed(7)
    assert first.dtype == "uint8" and first.shape == IMAGES.shape
    np.testing.assert_array_equal(change(IMAGES, rng()), first)
    np.testing.assert_array_equal(IMAGES, kept)
    if name not in ("auto_contrast", "equalization"):
        assert any((change(IMAGES, rng(seed)) != first).any() for seed in (2, 3, 4))


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_options_are_the_layers_own(name):
    kind = getattr(keras.layers, "".join(word.capitalize() for word in name.split("_")))
    options, fixed = LAYERS[name]
    assert {*options, *fixed} <= set(inspect.signature(kind).parameters)


def test_draws_are_independent():
    """Erased areas lie anywhere: with one number for all draws, rows and columns would be the same."""
    change = augmentation("random_erasing", factor=[1.0, 1.0], scale=[0.1, 0.1], fill_value=255)
    black = np.zeros((64, 32, 32, 3), "uint8")
    corners = np.array([np.argwhere(image[..., 0])[0] for image in change(black, rng())])
    assert abs(np.corrcoef(corners.T)[0, 1]) < 0.5
    assert 0.3 < (augmentation("random_erasing")(black, rng()).any(axis=(1, 2, 3))).mean() < 0.7


def test_brightness_is_what_it_says():
    grey = np.full((64, 4, 4, 1), 100, "uint8")
    found = augmentation("random_brightness", factor=[0.1, 0.1])(grey, rng())
    assert (found == 126).all()  # 100 + 0.1 of 255, rounded


def test_recipes_take_them_with_options_and_resume():
    data = (np.repeat(IMAGES, 4, axis=0), np.arange(16) % 2)
    how = {
        "augment": ("random_color_jitter", "random_erasing"),
        "options": {"random_erasing": {"factor": [1.0, 1.0]}},
        "batch_size": 4,
        "seed": 3,
    }
    whole = TrainingBatches(*data, **how)
    rest = TrainingBatches(*data, **how, start=2)
    np.testing.assert_array_equal(whole[2][0], rest[0][0])
    with pytest.raises(ValueError, match="no option 'strength'. Expected some of: factor, scale, fill_value"):
        augmentation("random_erasing", strength=1.0)


def test_grey_pictures_have_no_colours():
    with pytest.raises(ValueError, match="'random_hue' is for colour pictures of 3 channels; got 1"):
        AUGMENTATIONS["random_hue"](IMAGES[..., :1], rng())
    assert AUGMENTATIONS["random_erasing"](IMAGES[..., :1], rng()).shape == (4, 12, 12, 1)
    assert AUGMENTATIONS["auto_contrast"](IMAGES[:0], rng()).shape == (0, 12, 12, 3)
