"""Batches: the same for the same seed, each example at most once an epoch, augmented."""

import numpy as np
import pytest

from zoo.training.batches import TrainingBatches

pytestmark = pytest.mark.once


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
    assert images[0].dtype == "float32" and labels.dtype == "int32"  # JAX warns of int64


def test_order_follows_from_seed_and_epoch_alone():
    first = batches(augment=("shift",))[2]
    again = batches(augment=("shift",))[2]
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(batches(epoch=1)[2][1], first[1])
    assert not np.array_equal(batches(seed=8)[2][1], first[1])


def test_a_part_is_what_the_epoch_has_there():
    whole = batches(augment=("shift",), epoch=3)
    part = batches(augment=("shift",), epoch=3, start=1, stop=3)
    assert len(part) == 2
    for index in range(2):
        for got, expected in zip(part[index], whole[1 + index], strict=True):
            assert np.array_equal(got, expected)


def test_augmentation_is_applied():
    plain, moved = batches()[0][0], batches(augment=("shift",))[0][0]
    assert (plain == plain[:, :1, :1]).all() and not (moved == moved[:, :1, :1]).all()


def test_options_reach_the_augmentations_and_the_mixers():
    moved = batches(augment=("affine",), options={"affine": {"degrees": 0, "scale": 0, "shear": 0}})[1]
    assert np.array_equal(moved[0], batches()[1][0])
    mixed = batches(augment=("mixup",), options={"mixup": {"alpha": 0.0}})[1]
    assert set(np.unique(mixed[1])) == {0, 1}
    with pytest.raises(ValueError, match="'shift' has no option 'far'"):
        batches(augment=("shift",), options={"shift": {"far": 1}})


def test_dictionaries_and_weights():
    x, edges = np.arange(6 * 2, dtype="float32").reshape(6, 2), np.arange(6, dtype="int32")[:, None]
    labels, weights = np.arange(6), np.arange(6) / 10
    dataset = TrainingBatches({"x": x, "edges": edges}, labels, weights, batch_size=3, seed=0)
    inputs, got, weight = dataset[1]
    assert inputs["x"].dtype == "float32" and inputs["edges"].dtype == "int32"
    assert np.array_equal(inputs["x"][:, 0], 2 * got) and np.array_equal(inputs["edges"][:, 0], got)
    assert np.array_equal(weight, got / 10)


def test_errors():
    with pytest.raises(ValueError, match="batch of 50 examples; got 23"):
        batches(batch_size=50)
    with pytest.raises(ValueError, match="'spin'"):
        batches(augment=("spin",))
    with pytest.raises(ValueError, match="for images; got shift for a dictionary"):
        TrainingBatches({"x": np.zeros((3, 2))}, np.zeros(3), batch_size=1, seed=0, augment=("shift",))
