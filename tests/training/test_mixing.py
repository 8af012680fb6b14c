"""Batches whose labels are mixed, and the augmentations of recipes as a whole."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.training.batches import TrainingBatches

IMAGES = np.random.default_rng(0).integers(0, 256, (90, 12, 12, 1), dtype=np.uint8)


def batches(**changes: Any) -> TrainingBatches:
    arguments: dict[str, Any] = {"batch_size": 8, "seed": 3, "augment": ("rotate", "pad_crop", "flip", "cutmix")}
    return TrainingBatches(IMAGES, np.arange(90) % 5, **(arguments | changes))


def test_a_batch_depends_on_seed_epoch_and_place_alone():
    for names in (("rotate", "mixup"), ("pad_crop", "flip", "cutout", "cutmix"), ("random_resized_crop",)):
        backwards = {index: batches(augment=names)[index] for index in reversed(range(11))}
        forwards = batches(augment=names)
        for index in range(11):
            keras.tree.map_structure(np.testing.assert_array_equal, forwards[index], backwards[index])
        assert (batches(augment=names, epoch=1)[0][0] != forwards[0][0]).any()


def test_mixed_labels_are_probabilities():
    images, labels = batches()[0]
    assert images.dtype == np.float32 and labels.dtype == np.float32 and labels.shape == (8, 5)
    np.testing.assert_allclose(labels.sum(axis=1), 1, atol=1e-6)
    assert batches(classes=7)[0][1].shape == (8, 7)
    assert batches(augment=("flip",))[0][1].shape == (8,)


def test_mixers_come_last_wherever_they_stand():
    first, last = batches(augment=("mixup", "rotate"))[0], batches(augment=("rotate", "mixup"))[0]
    keras.tree.map_structure(np.testing.assert_array_equal, first, last)
