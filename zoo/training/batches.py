"""Batches for training: shuffled and augmented anew each epoch, the same for the same seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.datasets import MIXERS, augmentation, soft_labels
from zoo.datasets.augment import with_options


def class_numbers(labels: np.ndarray) -> np.ndarray:
    """Whole labels as int32: JAX has no int64 unless it is asked for, and warns; other labels as they are."""
    return labels.astype(np.int32) if labels.dtype.kind in "iu" else labels


class TrainingBatches(keras.utils.PyDataset):
    """Equal batches of one epoch, or of a part of it.

    Order and augmentation of a batch follow from seed, epoch and position alone, so that a resumed run sees what an
    uninterrupted one would have seen. The examples of an epoch that do not fill a batch are left out; the next epoch
    draws others.

    Args:
        inputs: images, uint8 (N, H, W, C), or a dictionary of arrays with the leading axis N.
        labels: (N, ...).
        weights: of each label in loss and accuracy, (N, ...), or None.
        batch_size: examples a batch.
        seed: of order and augmentation.
        augment: names of `zoo.datasets.AUGMENTATIONS` and `zoo.datasets.MIXERS`; for images only. With one of the
            mixers, which come after all others, labels come out as probabilities, float32 (batch_size, classes).
        options: strengths of augmentations by their names, where they are not the defaults.
        classes: number of classes, for the mixers; by default the largest label and one.
        epoch: the number of the epoch, from 0.
        start: the first batch of the part.
        stop: the batch after the last one of the part; None for the end of the epoch.

    Raises:
        ValueError: fewer examples than a batch, an unknown augmentation or option, or an augmentation for inputs that
            are no images.
    """

    def __init__(
        self,
        inputs: Any,
        labels: np.ndarray,
        weights: np.ndarray | None = None,
        *,
        batch_size: int,
        seed: int,
        augment: tuple[str, ...] = (),
        options: Mapping[str, Mapping[str, Any]] | None = None,
        classes: int | None = None,
        epoch: int = 0,
        start: int = 0,
        stop: int | None = None,
    ) -> None:
        super().__init__()
        if len(labels) < batch_size:
            raise ValueError(f"Expected at least one batch of {batch_size} examples; got {len(labels)} examples.")
        if augment and not isinstance(inputs, np.ndarray):
            raise ValueError(f"Augmentations are for images; got {', '.join(augment)} for a dictionary of inputs.")
        self._inputs, self._labels, self._weights = inputs, class_numbers(labels), weights
        self._batch_size, self._seed, self._epoch, self._start = batch_size, seed, epoch, start
        self._stop = len(labels) // batch_size if stop is None else stop
        given = {name: dict((options or {}).get(name, {})) for name in augment}
        self._mixers = [with_options(name, MIXERS[name], given[name]) for name in augment if name in MIXERS]
        self._augment = [augmentation(name, **given[name]) for name in augment if name not in MIXERS]
        self._classes = int(labels.max()) + 1 if classes is None else classes
        self._order = np.random.default_rng([seed, epoch]).permutation(len(labels))

    def __len__(self) -> int:
        """Batches of this part."""
        return self._stop - self._start

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        """Inputs (images as float32 with raw values 0 to 255), labels and, where there are any, weights of a batch."""
        position = self._start + index
        chosen = self._order[position * self._batch_size : (position + 1) * self._batch_size]
        inputs = keras.tree.map_structure(lambda array: array[chosen], self._inputs)
        labels = self._labels[chosen]
        if isinstance(inputs, np.ndarray):
            rng = np.random.default_rng([self._seed, self._epoch, position])
            for function in self._augment:
                inputs = function(inputs, rng)
            if self._mixers:
                labels = soft_labels(labels, self._classes)
            for mixer in self._mixers:  # after the others, which take whole bytes
                inputs, labels = mixer(inputs, labels, rng)
            inputs = inputs.astype("float32")
        batch = (inputs, labels)
        return batch if self._weights is None else (*batch, self._weights[chosen])
