"""Batches: the same for the same seed, each image at most once an epoch, augmented."""

import numpy as np
import pytest

from zoo.training.batches import TrainingBatches


def batches(**changes):
    images = np.arange(23, dtype="uint8")[:, None, None, None] * np.ones((1, 4, 4, 1), "uint8")
    arguments = {"batch_size": 5, "seed": 7} | changes
    return TrainingBatches(images, np.arange(23), **arguments)


def test_an_epoch_is_a_shuffled_part_of_the_set():
    dataset = batches()
    assert len(dataset) == 4
    images, labels = zip(*(dataset[index] for index in range(4)), strict=True)
    labels = np.concatenate(labels)
    assert len(set(labels)) == 20 and list(labels) != sorted(labels)
    assert np.array_equal(np.concatenate(images)[:, 0, 0, 0], labels)
    assert images[0].dtype == "float32"


def test_epochs_differ_and_a_resumed_run_sees_the_same():
    dataset = batches(augment=("shift",))
    first = dataset[2]
    dataset.on_epoch_end()
    second = dataset[2]
    assert not np.array_equal(first[1], second[1])
    resumed = batches(augment=("shift",), first_epoch=1)[2]
    assert np.array_equal(second[0], resumed[0]) and np.array_equal(second[1], resumed[1])
    assert not np.array_equal(batches(seed=8)[2][1], first[1])


def test_augmentation_is_applied():
    plain, moved = batches()[0][0], batches(augment=("shift",))[0][0]
    assert (plain == plain[:, :1, :1]).all() and not (moved == moved[:, :1, :1]).all()


def test_errors():
    with pytest.raises(ValueError, match="batch of 50 images; got 23"):
        batches(batch_size=50)
    with pytest.raises(ValueError, match="'spin'"):
        batches(augment=("spin",))
