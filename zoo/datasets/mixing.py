"""Augmentations that mix two images and their labels: `f(images, labels, rng) -> (images, labels)`.

Labels are soft here, one probability a class: `soft_labels` makes them from numbers. A loss for them is
`keras.losses.CategoricalCrossentropy`; training with a recipe does this by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from zoo.datasets.crops import box_mask

Pair = tuple[np.ndarray, np.ndarray]
Mixer = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]


def soft_labels(labels: np.ndarray, classes: int) -> np.ndarray:
    """Labels as probabilities: 1 for the label, 0 for every other class.

    Args:
        labels: integers of shape `(B,)` in `0..classes - 1`.
        classes: number of classes.

    Returns:
        float32 of shape `(B, classes)`.

    Raises:
        ValueError: labels of another shape or outside the range.

    Example:
        >>> soft_labels(np.array([2, 0]), 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < classes)).all():
        raise ValueError(
            f"Expected integer labels of shape (B,) in 0..{classes - 1}; got {labels.dtype} {labels.shape}."
        )
    return (labels[:, None] == np.arange(classes)).astype(np.float32)


def mixup(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, *, alpha: float = 0.2) -> Pair:
    """Adds to each image a part of another image of the batch, and to its label the same part of the other's.

    The part kept is drawn for each image from Beta(alpha, alpha).

    Args:
        images: of shape `(B, H, W, C)`; not changed.
        labels: probabilities of shape `(B, classes)`.
        rng: the source of parts and partners.
        alpha: 0 leaves images and labels as they are, 1 draws uniformly.

    Returns:
        float32 images, not rounded, and float32 labels.

    Raises:
        ValueError: arrays of other shapes, or a negative `alpha`.

    Example:
        >>> import numpy as np
        >>> images, labels = np.zeros((4, 8, 8, 1), "uint8"), soft_labels(np.arange(4), 4)
        >>> images, labels = mixup(images, labels, np.random.default_rng(0))
        >>> labels.sum(axis=1).tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    _check(images, labels, alpha)
    partner, kept = rng.permutation(len(images)), _kept(len(images), alpha, rng)
    weight = kept.astype(np.float32)[:, None, None, None]
    pixels = images.astype(np.float32)
    other = pixels[partner]
    return other + weight * (pixels - other), _blend(labels, partner, kept)


def cutmix(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, *, alpha: float = 1.0) -> Pair:
    """Replaces a random box of each image by the same box of another image of the batch.

    The box covers a part of the image drawn from Beta(alpha, alpha), before it is cut at the rim; the label takes from
    the other's in proportion to the pixels that were really replaced.

    Args:
        images: of shape `(B, H, W, C)`; not changed.
        labels: probabilities of shape `(B, classes)`.
        rng: the source of boxes and partners.
        alpha: 0 leaves images and labels as they are.

    Returns:
        Images of the same type, and float32 labels.

    Raises:
        ValueError: arrays of other shapes, or a negative `alpha`.

    Example:
        >>> import numpy as np
        >>> images, labels = np.zeros((4, 8, 8, 1), "uint8"), soft_labels(np.arange(4), 4)
        >>> images, labels = cutmix(images, labels, np.random.default_rng(0))
        >>> images.dtype.name, labels.shape
        ('uint8', (4, 4))
    """
    _check(images, labels, alpha)
    count, height, width = images.shape[:3]
    partner = rng.permutation(count)
    side = np.sqrt(1.0 - _kept(count, alpha, rng))[:, None]
    heights, widths = np.rint(side * height).astype(int), np.rint(side * width).astype(int)
    top = rng.integers(0, height, (count, 1)) - heights // 2
    left = rng.integers(0, width, (count, 1)) - widths // 2
    replaced = box_mask((height, width), top, left, heights, widths)
    mixed = np.where(replaced[..., None], images[partner], images)
    return mixed, _blend(labels, partner, 1.0 - replaced.mean(axis=(1, 2)))


MIXERS: dict[str, Mixer] = {"cutmix": cutmix, "mixup": mixup}
"""Every augmentation that mixes labels, by the name recipes use."""


def _check(images: np.ndarray, labels: np.ndarray, alpha: float) -> None:
    if images.ndim != 4 or labels.ndim != 2 or len(images) != len(labels):
        raise ValueError(
            "Expected images of shape (B, H, W, C) and labels as probabilities of shape (B, classes), as soft_labels "
            f"makes them; got {images.shape} and {labels.shape}."
        )
    if not (alpha >= 0 and math.isfinite(alpha)):
        raise ValueError(f"Expected alpha of at least 0; got {alpha}.")


def _kept(count: int, alpha: float, rng: np.random.Generator) -> np.ndarray:
    """The part of each image that stays its own."""
    return rng.beta(alpha, alpha, count) if alpha else np.ones(count)


def _blend(labels: np.ndarray, partner: np.ndarray, kept: np.ndarray) -> np.ndarray:
    weight = kept[:, None]
    return (weight * labels + (1.0 - weight) * labels[partner]).astype(np.float32)
