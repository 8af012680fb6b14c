"""A training recipe as data: `zoo.training` reads it, nothing here runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, but for the seed.

    The optimizer is Adam with decoupled weight decay. Its learning rate rises linearly from 0 to `learning_rate` and
    then falls to 0 along half a cosine; the weights after the last epoch are kept.

    Attributes:
        dataset: a name of `zoo.datasets`.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: the schedule's peak.
        warmup: fraction of the steps in which the rate rises.
        weight_decay: fraction of the weights that a step takes away, times the learning rate.
        decay_exclude: variables whose path contains one of these words are not decayed.
        label_smoothing: mass taken from the true class and spread over all.
        augmentation: names of `zoo.datasets.AUGMENTATIONS`, applied in order in the input pipeline.
        overrides: fields of the model's configuration that are different while training, such as its dropout rate.
    """

    dataset: str
    epochs: int
    batch_size: int
    learning_rate: float = 1e-3
    warmup: float = 0.2
    weight_decay: float = 0.0
    decay_exclude: tuple[str, ...] = ("bias", "gamma", "beta")
    label_smoothing: float = 0.0
    augmentation: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
