"""From a split to batches: arrays, Keras' and TensorFlow's data sets, and functions of the epoch, all alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from zoo.datasets.protocol import is_batches
from zoo.models.recipe import Recipe
from zoo.training.batches import TrainingBatches, class_numbers
from zoo.training.prefetch import Prefetch

EVALUATION_BATCH = 250


class Feed:
    """The batches of a run, epoch by epoch and part by part.

    Arrays are shuffled and augmented by seed and epoch. A `PyDataset` gives its batches in an order that seed and
    epoch draw; a `tf.data.Dataset`, and what a function of the epoch returns, in their own order.

    Args:
        split: as in `zoo.datasets.Data`.
        recipe: batch size and augmentation.
        seed: of order and augmentation.
        classes: number of classes.
        limit: use the first so many batches of each epoch; None uses all.

    Raises:
        ValueError: batches of unknown number, none at all, or an augmentation for what cannot be augmented.
    """

    def __init__(self, split: Any, recipe: Recipe, *, seed: int, classes: int, limit: int | None = None) -> None:
        self._split, self._recipe, self._seed, self._classes = split, recipe, seed, classes
        self._batches = is_batches(split)
        if self._batches and recipe.augmentation:
            raise ValueError(
                f"Augmentation is for images as arrays; leave {', '.join(recipe.augmentation)} out of the recipe, or "
                "let the data set do it."
            )
        self._ended = 0
        found = _count(self._source(0)) if self._batches else len(self._part(0, 0, None))
        self.steps = found if limit is None else min(found, limit)

    def part(self, epoch: int, start: int, stop: int | None = None) -> keras.utils.PyDataset:
        """The batches from `start` to before `stop` of an epoch, both counted from 0."""
        stop = self.steps if stop is None else stop
        if not self._batches:
            return Prefetch(self._part(epoch, start, stop))
        source = self._source(epoch)
        if _count(source) < self.steps:
            raise ValueError(f"Epoch {epoch + 1} has {_count(source)} batches; expected {self.steps} as in the first.")
        if hasattr(source, "cardinality"):
            return _Streamed(lambda: self._source(epoch), start, stop)
        order = np.arange(_count(source))
        if source is self._split:
            order = np.random.default_rng([self._seed, epoch]).permutation(order)
        workers = max(1, getattr(source, "workers", 1))
        return Prefetch(_Chosen(source, order[start:stop]), workers=workers)

    def _part(self, epoch: int, start: int, stop: int | None) -> TrainingBatches:
        return TrainingBatches(
            *self._split,
            batch_size=self._recipe.batch_size,
            seed=self._seed,
            augment=self._recipe.augmentation,
            options=self._recipe.augmentation_options,
            classes=self._classes,
            epoch=epoch,
            start=start,
            stop=stop,
        )

    def _source(self, epoch: int) -> Any:
        """What gives the batches of an epoch; a `PyDataset` hears of the ends of all epochs before it."""
        if hasattr(self._split, "cardinality"):
            return self._split
        if not hasattr(self._split, "__getitem__"):
            return self._split(epoch)
        while self._ended < epoch:
            self._split.on_epoch_end()
            self._ended += 1
        return self._split


def evaluation_arguments(split: Any) -> dict[str, Any]:
    """Arguments of `evaluate` for a split."""
    if not is_batches(split):
        inputs, labels, *weights = split
        return {
            "x": inputs,
            "y": class_numbers(labels),
            "sample_weight": weights[0] if weights else None,
            "batch_size": min(EVALUATION_BATCH, len(labels)),
        }
    count = _count(split)
    streamed = hasattr(split, "cardinality")
    return {"x": _Streamed(lambda: split, 0, count) if streamed else _Chosen(split, np.arange(count))}


def count_examples(split: Any) -> int | None:
    """Labels that count, of arrays; None where a data set does not say."""
    if is_batches(split):
        return None
    _, labels, *weights = split
    if weights:
        return int(np.count_nonzero(weights[0]))
    return len(labels) if labels.dtype.kind == "f" else int(np.size(labels))


class _Chosen(keras.utils.PyDataset):
    """Some batches of a data set, in a given order."""

    def __init__(self, source: Any, order: np.ndarray) -> None:
        super().__init__()
        self._source, self._order = source, order

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> Any:
        return _batch(self._source[int(self._order[index])])


class _Streamed(keras.utils.PyDataset):
    """A range of the batches of a `tf.data.Dataset`, which are read one after the other.

    `make` gives the data set anew for each reading where it can: one that shuffles has another order the second time.
    """

    def __init__(self, make: Callable[[], Any], start: int, stop: int) -> None:
        super().__init__()
        self._make, self._start, self._stop = make, start, stop
        self._next, self._iterator = -1, iter(())
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, index: int) -> Any:
        with self._lock:
            if index != self._next:  # Keras looks at the first batch before it begins
                self._iterator, self._next = self._read(index), index
            self._next += 1
            return _batch(next(self._iterator))

    def _read(self, index: int) -> Iterator[Any]:
        return self._make().skip(self._start + index).as_numpy_iterator()


def _batch(batch: Any) -> tuple[Any, ...]:
    """A batch with whole labels as int32."""
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise ValueError(f"Expected batches (inputs, labels) or (inputs, labels, weights); got {type(batch).__name__}.")
    inputs, labels, *weights = batch
    labels = labels if isinstance(labels, np.ndarray) else keras.ops.convert_to_numpy(labels)
    return (inputs, class_numbers(labels), *weights)


def _count(source: Any) -> int:
    if hasattr(source, "cardinality"):
        count = int(source.cardinality())
        if count < 0:
            raise ValueError(
                "Expected a tf.data.Dataset of known, finite length: end it with .take(n), or say how many batches it "
                "has with .apply(tf.data.experimental.assert_cardinality(n))."
            )
    else:
        known = getattr(source, "num_batches", None)
        count = len(source) if known is None else int(known)
    if count < 1:
        raise ValueError("Expected at least one batch; the data set has none.")
    return count
