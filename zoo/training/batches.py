"""Batches for training: shuffled and augmented anew each epoch, the same for the same seed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.datasets import augmentation


class TrainingBatches(keras.utils.PyDataset):
    """Endless epochs over arrays, cut into equal batches.

    Order and augmentation of a batch follow from seed, epoch and position alone, so that a resumed run sees what an
    uninterrupted one would have seen. The images of an epoch that do not fill a batch are left out; the next epoch
    draws others.

    Args:
        images: uint8 (N, H, W, C).
        labels: int (N,).
        batch_size: images a batch.
        seed: of order and augmentation.
        augment: names of `zoo.datasets.AUGMENTATIONS`.
        first_epoch: number of epochs already done.

    Raises:
        ValueError: fewer images than a batch, or an unknown augmentation.
    """

    def __init__(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        augment: tuple[str, ...] = (),
        first_epoch: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if len(images) < batch_size:
            raise ValueError(f"Expected at least one batch of {batch_size} images; got {len(images)} images.")
        self._images, self._labels = images, labels
        self._batch_size, self._seed, self._epoch = batch_size, seed, first_epoch
        self._augment = [augmentation(name) for name in augment]
        self._shuffle()

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self._images) // self._batch_size

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Images as float32 (raw values 0 to 255) and labels of one batch."""
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        images, rng = self._images[chosen], np.random.default_rng([self._seed, self._epoch, index])
        for function in self._augment:
            images = function(images, rng)
        return images.astype("float32"), self._labels[chosen]

    def on_epoch_end(self) -> None:
        """Draws the order of the next epoch."""
        self._epoch += 1
        self._shuffle()

    def _shuffle(self) -> None:
        self._order = np.random.default_rng([self._seed, self._epoch]).permutation(len(self._images))
