"""A training recipe as data: `zoo.training` reads it, nothing here runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CHOICES = {
    "optimizer": ("adamw", "adam", "sgd"),
    "schedule": ("one_cycle", "cosine", "step", "constant"),
    "decay_kind": ("decoupled", "l2"),
    "selection": ("last", "best"),
}
"""The words that fields of a recipe may hold."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, but for the seed, the precision and the number of devices.

    A recipe can be made from plain JSON values, as a card holds them: `Recipe(**card.recipe)`. A field that a card
    does not have was not there when the card was written, and its default is what was done then.

    Attributes:
        dataset: a name of `zoo.datasets`.
        epochs: passes over the training examples.
        batch_size: examples a step, over all devices together.
        optimizer: `"adamw"`, `"adam"` or `"sgd"`.
        learning_rate: the schedule's peak.
        momentum: of `"sgd"`: `m = momentum m + gradient`, then `w = w - rate m`.
        nesterov: of `"sgd"`: step along `gradient + momentum m` instead of `m`.
        schedule: `"one_cycle"` rises from 0 to the peak and falls to 0 along half a cosine, `"cosine"` only falls,
            `"step"` multiplies by `decay_factor` at each of the `milestones`, `"constant"` stays.
        warmup: of `"one_cycle"`: fraction of the steps in which the rate rises.
        milestones: of `"step"`: epochs, counted from 0, that start with a lower rate.
        decay_factor: of `"step"`.
        weight_decay: strength of the pull of the weights to 0.
        decay_kind: `"decoupled"` takes the fraction `rate weight_decay` of the weights away in each step; `"l2"` adds
            `weight_decay w` to the gradient, so that it passes through momentum and scaling.
        decay_exclude: variables whose path contains one of these words are not decayed.
        learning_rate_multipliers: factors of the learning rate for the variables whose path contains a word; those of
            several words multiply.
        clip_norm: gradients are scaled down together to at most this norm; None leaves them.
        ema: momentum of a moving average of the weights, which is what is measured and kept; None for none.
        accumulation: steps whose gradients are averaged for one update.
        label_smoothing: mass taken from the true class and spread over all.
        augmentation: names of `zoo.datasets.AUGMENTATIONS` and `MIXERS`, applied in order, those of `MIXERS` last.
        consistency: arguments of `zoo.training.consistency.wrap`, which trains with pairwise consistency; empty for
            plain training.
        selection: `"last"` keeps the weights after the last epoch, `"best"` those of the highest validation accuracy.
        overrides: fields of the model's configuration that are different while training, such as its dropout rate.
        proximal: thresholds for the variables whose path contains a word: after each step their values move by
            `rate threshold` towards 0 and stop there; those of several words add up.
        needs_start: the run begins with given weights, those of a pruned network for example, and not at random.

    Raises:
        ValueError: a word or number that cannot be meant.
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
    optimizer: str = "adamw"
    momentum: float = 0.9
    nesterov: bool = False
    schedule: str = "one_cycle"
    milestones: tuple[int, ...] = ()
    decay_factor: float = 0.1
    decay_kind: str = "decoupled"
    learning_rate_multipliers: Mapping[str, float] = field(default_factory=dict)
    clip_norm: float | None = None
    ema: float | None = None
    accumulation: int = 1
    selection: str = "last"
    consistency: Mapping[str, Any] = field(default_factory=dict)
    proximal: Mapping[str, float] = field(default_factory=dict)
    needs_start: bool = False

    def __post_init__(self) -> None:
        for name in ("decay_exclude", "augmentation", "milestones"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists only
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"Expected {name} to be one of {choices}; got {getattr(self, name)!r}.")
        for fault in _faults(self):
            raise ValueError(f"A recipe that cannot be meant: {fault}.")

    def with_epochs(self, epochs: int) -> Recipe:
        """Returns the recipe for another number of epochs, the milestones at the same shares of them.

        Milestone m goes to round(m epochs / self.epochs), at least 1; two that meet become one.

        Args:
            epochs: passes over the training examples, at least 1.

        Raises:
            ValueError: fewer epochs than 1.

        Example:
            >>> recipe = Recipe(dataset="cifar10", epochs=300, batch_size=128, schedule="step", milestones=(150, 225))
            >>> recipe.with_epochs(20).milestones
            (10, 15)
        """
        moved = {max(1, round(milestone * epochs / self.epochs)) for milestone in self.milestones}
        return replace(self, epochs=epochs, milestones=tuple(sorted(moved)))


def _faults(recipe: Recipe) -> list[str]:
    checks = {
        "epochs, batch_size and accumulation are at least 1": min(recipe.epochs, recipe.batch_size, recipe.accumulation)
        >= 1,
        "learning_rate is above 0": recipe.learning_rate > 0,
        "weight_decay is not negative": recipe.weight_decay >= 0,
        "warmup, momentum and label_smoothing lie in [0, 1)": all(
            0 <= value < 1 for value in (recipe.warmup, recipe.momentum, recipe.label_smoothing)
        ),
        "ema is None or lies in (0, 1)": recipe.ema is None or 0 < recipe.ema < 1,
        "clip_norm is None or above 0": recipe.clip_norm is None or recipe.clip_norm > 0,
        "factors of the learning rate are not negative": all(
            factor >= 0 for factor in recipe.learning_rate_multipliers.values()
        ),
        "proximal thresholds are not negative": all(step >= 0 for step in recipe.proximal.values()),
        "milestones rise, and belong to the schedule 'step' alone": list(recipe.milestones)
        == sorted(set(recipe.milestones))
        and (recipe.schedule == "step") == bool(recipe.milestones),
        "the decay of 'adamw' is decoupled; 'adam' takes 'l2' too": (recipe.optimizer, recipe.decay_kind)
        != ("adamw", "l2"),
    }
    return [rule for rule, holds in checks.items() if not holds]
