"""A training recipe as data: `zoo.training` reads it, nothing here runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, but for the seed.

    Attributes:
        dataset: a name of `zoo.datasets`.
        epochs: passes over the training images.
        batch_size: images a step.
        optimizer: `"adam"` or `"sgd"`.
        learning_rate: the schedule's peak.
        schedule: `"one_cycle"` (linear warm-up over `warmup` of the steps, then half a cosine to 0) or `"constant"`.
        warmup: fraction of the steps in which the rate rises.
        weight_decay: decoupled decay of kernels (multiplied by the learning rate, as Keras does it).
        decay_exclude: variables whose path contains one of these words are not decayed.
        label_smoothing: mass taken from the true class.
        ema_momentum: momentum of the exponential moving average of the weights that is evaluated and saved;
            None keeps the raw weights.
        augmentation: names of `zoo.datasets.augment`, applied in the input pipeline, in order.
        selection: which weights are kept: `"last"` epoch or `"best"` validation accuracy.
    """

    dataset: str
    epochs: int
    batch_size: int
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "one_cycle"
    warmup: float = 0.2
    weight_decay: float = 0.0
    decay_exclude: tuple[str, ...] = ("bias", "gamma", "beta")
    label_smoothing: float = 0.0
    ema_momentum: float | None = None
    augmentation: tuple[str, ...] = ()
    selection: str = "last"
