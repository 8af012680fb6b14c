"""Threads ahead of a model change nothing but the time."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Any

import keras
import numpy as np
import pytest

from zoo.training.batches import TrainingBatches
from zoo.training.prefetch import Prefetch

IMAGES = np.random.default_rng(0).integers(0, 256, (90, 12, 12, 1), dtype=np.uint8)
LABELS = np.arange(90) % 5


class Uneven(TrainingBatches):
    """Early batches take longest, so that threads overtake each other; notes who made which batch."""

    def __init__(self, epoch: int = 0) -> None:
        super().__init__(IMAGES, LABELS, batch_size=8, seed=3, augment=("rotate", "mixup"), epoch=epoch)
        self.made: dict[int, list[int]] = defaultdict(list)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        time.sleep(0.005 * (len(self) - index) / len(self))
        self.made[threading.get_ident()].append(index)
        return super().__getitem__(index)


def trained(workers: int) -> tuple[list[np.ndarray], Uneven]:
    """The weights after two epochs of a model for which the order of batches matters."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(5)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-5, momentum=0.9), loss, jit_compile=False)
    for epoch in range(2):
        data = Uneven(epoch)
        model.fit(Prefetch(data, workers=workers), shuffle=False, verbose=0)
    return model.get_weights(), data


def test_weights_do_not_depend_on_the_workers():
    expected = trained(0)[0]
    for workers in (1, 3):
        weights, data = trained(workers)
        for one, other in zip(weights, expected, strict=True):
            np.testing.assert_array_equal(one, other)
        made = [index for indices in data.made.values() for index in indices]
        assert set(made) == set(range(len(data))) and len(data.made) == workers


@pytest.mark.parametrize("order", [range(11), reversed(range(11)), [3, 3, 10, 0, 1, 2, 0]])
def test_any_order_gives_the_batches_asked_for(order):
    data, ahead = Uneven(), Prefetch(Uneven(), workers=3, max_queue_size=4)
    for index in order:
        keras.tree.map_structure(np.testing.assert_array_equal, ahead[index], data[index])


def test_batches_are_made_ahead_but_not_too_far():
    data = Uneven()
    ahead = Prefetch(data, workers=2, max_queue_size=3)
    ahead[0]
    deadline = time.monotonic() + 20
    while sum(map(len, data.made.values())) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert {index for made in data.made.values() for index in made} == {0, 1, 2, 3}


def test_the_next_epoch_is_made_of_nothing_old():
    class Counting(keras.utils.PyDataset):
        epoch = 0

        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[int, int]:
            time.sleep(0.002)
            return self.epoch, index

        def on_epoch_end(self) -> None:
            self.epoch += 1

    ahead = Prefetch(Counting(), workers=3)
    assert [ahead[index] for index in range(3)] == [(0, 0), (0, 1), (0, 2)]
    ahead.on_epoch_end()
    assert [ahead[index] for index in range(6)] == [(1, index) for index in range(6)]


def test_a_fault_in_a_thread_reaches_the_caller():
    class Faulty(Uneven):
        def __getitem__(self, index: int) -> tuple[Any, ...]:
            if index == 5:
                raise OSError("the disk is gone")
            return super().__getitem__(index)

    ahead = Prefetch(Faulty(), workers=3)
    for index in range(5):
        ahead[index]
    with pytest.raises(OSError, match="the disk is gone"):
        ahead[5]
    assert len(ahead[6]) == 2
    ahead.on_epoch_end()


def test_refusals():
    for arguments in ({"workers": -1}, {"max_queue_size": 0}):
        with pytest.raises(ValueError, match="at least 0 workers and a queue of at least 1"):
            Prefetch(Uneven(), **arguments)
