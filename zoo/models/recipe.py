"""A training recipe as data: `zoo.training` reads it, nothing here runs."""

from __future__ import annotations

import functools
import math
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from numbers import Integral, Real
from typing import Any

from zoo._suggestions import did_you_mean

CHOICES = {
    "optimizer": ("adamw", "adam", "sgd"),
    "schedule": ("one_cycle", "cosine", "step", "constant"),
    "decay_kind": ("decoupled", "l2"),
    "selection": ("last", "best"),
    "split": ("train", "train+validation"),
}
"""The words that fields of a recipe may hold."""

RENAMED = {"accumulation": "gradient_accumulation_steps", "clip_norm": "global_clipnorm"}
"""Fields by the names that they had at first: cards, recipe files and run folders have these."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, but for the seed, the precision and the number of devices.

    A recipe can be made from plain JSON values, as a card holds them: `Recipe.from_dict(card.recipe)`. A field that a
    card does not have was not there when the card was written, and its default is what was done then.

    Attributes:
        dataset: a name of `zoo.datasets`; None where the data is given to the run itself.
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
        layer_decay: factor of the learning rate from one group of layers to the one before it, as of
            `zoo.optimizers.LayerWise`; None for none.
        global_clipnorm: gradients are scaled down together to at most this norm; None leaves them.
        ema: momentum of a moving average of the weights, which is what is measured and kept, with batch
            statistics measured for it; None for none.
        gradient_accumulation_steps: steps whose gradients are averaged for one update.
        label_smoothing: mass taken from the true class and spread over all.
        augmentation: names of `zoo.datasets.AUGMENTATIONS` and `MIXERS`, applied in order, those of `MIXERS` last.
        augmentation_options: keyword arguments of augmentations by their names, such as
            `{"affine": {"shear": 0.1}}`; what is not named has its default.
        consistency: arguments of `zoo.training.consistency.wrap`, which trains with pairwise consistency; empty for
            plain training.
        selection: `"last"` keeps the weights after the last epoch, `"best"` those of the highest validation accuracy.
        split: what is learned from: `"train"`, or `"train+validation"` once nothing is to be chosen any more; then
            nothing is measured during the run.
        overrides: fields of the model's configuration that are different while training, such as its dropout rate.
        proximal: thresholds for the variables whose path contains a word: after each step their values move by
            `rate threshold` towards 0 and stop there; those of several words add up.
        needs_start: the run begins with given weights, those of a pruned network for example, and not at random.

    Raises:
        ValueError: a value of the wrong type, or a word or number that cannot be meant.

    Example:
        >>> Recipe(epochs=10, batch_size=32, learning_rate=0.01).optimizer
        'adamw'
    """

    epochs: int
    batch_size: int
    dataset: str | None = None
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
    global_clipnorm: float | None = None
    ema: float | None = None
    gradient_accumulation_steps: int = 1
    selection: str = "last"
    consistency: Mapping[str, Any] = field(default_factory=dict)
    proximal: Mapping[str, float] = field(default_factory=dict)
    needs_start: bool = False
    augmentation_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    layer_decay: float | None = None
    split: str = "train"

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            object.__setattr__(self, name, _checked(name, getattr(self, name), hint))
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"Expected {name} to be one of {choices}; got {getattr(self, name)!r}.")
        for fault in _faults(self):
            raise ValueError(f"A recipe that cannot be meant: {fault}.")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """A recipe from values by field, as JSON and YAML have them; a field that is not named has its default.

        Args:
            values: at least `epochs` and `batch_size`; fields may have their old names, those of `RENAMED`.

        Returns:
            The recipe.

        Raises:
            ValueError: an unknown field (with the nearest name), a missing one, or a value that cannot be meant.

        Example:
            >>> Recipe.from_dict({"epochs": 5, "batch_size": 16, "augmentation": ["flip"]}).augmentation
            ('flip',)
        """
        values = renamed(values)
        _check_names(values)
        missing = [name for name in ("epochs", "batch_size") if name not in values]
        if missing:
            raise ValueError(f"A recipe needs {' and '.join(missing)}: not given.")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as values that JSON and YAML have; `from_dict` reads them back.

        Example:
            >>> recipe = Recipe(epochs=5, batch_size=16, augmentation=("flip",))
            >>> recipe.to_dict()["augmentation"], Recipe.from_dict(recipe.to_dict()) == recipe
            (['flip'], True)
        """
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    def changed(self, **values: Any) -> Recipe:
        """The recipe with some fields changed.

        Args:
            **values: new values by field.

        Returns:
            Another recipe.

        Raises:
            ValueError: an unknown field (with the nearest name), or a value that cannot be meant.

        Example:
            >>> Recipe(epochs=5, batch_size=16).changed(learning_rate=0.01).learning_rate
            0.01
        """
        values = renamed(values)
        _check_names(values)
        return replace(self, **values)

    def with_epochs(self, epochs: int) -> Recipe:
        """Returns the recipe for another number of epochs, the milestones at the same shares of them.

        Milestone m goes to round(m epochs / self.epochs), at least 1; two that meet become one.

        Args:
            epochs: passes over the training examples, at least 1.

        Raises:
            ValueError: fewer epochs than 1.

        Example:
            >>> recipe = Recipe(epochs=300, batch_size=128, schedule="step", milestones=(150, 225))
            >>> recipe.with_epochs(20).milestones
            (10, 15)
        """
        moved = {max(1, round(milestone * epochs / self.epochs)) for milestone in self.milestones}
        return replace(self, epochs=epochs, milestones=tuple(sorted(moved)))


def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a recipe by the names that its fields have now.

    Raises:
        ValueError: a field under both of its names.

    Example:
        >>> renamed({"epochs": 5, "clip_norm": 1.0})
        {'epochs': 5, 'global_clipnorm': 1.0}
    """
    twice = [f"{old} and {new}" for old, new in RENAMED.items() if old in values and new in values]
    if twice:
        raise ValueError(f"Expected one of two names of a field; got {', '.join(twice)}.")
    return {RENAMED.get(name, name): value for name, value in values.items()}


_by_the_names_of_now = Recipe.__init__


@functools.wraps(_by_the_names_of_now)
def _by_either_name(self: Recipe, **values: Any) -> None:
    values = renamed(values)
    _check_names(values)
    _by_the_names_of_now(self, **values)


Recipe.__init__ = _by_either_name  # type: ignore[method-assign]


def _check_names(values: Mapping[str, Any]) -> None:
    known = [item.name for item in fields(Recipe)]
    unknown = [str(name) for name in values if name not in known]
    if unknown:
        hint = did_you_mean(unknown[0], known)
        raise ValueError(
            f"A recipe has no field {', '.join(map(repr, unknown))}.{hint} The fields are {', '.join(known)}."
        )


@functools.cache
def _hints() -> dict[str, Any]:
    """The type of every field."""
    hints = typing.get_type_hints(Recipe)
    return {item.name: hints[item.name] for item in fields(Recipe)}


def _checked(name: str, value: Any, hint: Any) -> Any:
    """The value of a field, if it is of the field's type. JSON has lists where a recipe has tuples."""
    inner = typing.get_args(hint)
    if type(None) in inner:
        return None if value is None else _scalar(name, value, inner[0])
    if hint in _SCALARS:
        return _scalar(name, value, hint)
    if typing.get_origin(hint) is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ValueError(f"Expected {name} to be a list; got {value!r}.")
        return tuple(_scalar(f"each of {name}", item, inner[0]) for item in value)
    if not isinstance(value, Mapping) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"Expected {name} to be a mapping from words to values; got {value!r}.")
    if inner[1] is Any:
        return dict(value)
    check = _checked if typing.get_args(inner[1]) else _scalar
    return {word: check(f"{name}[{word!r}]", item, inner[1]) for word, item in value.items()}


def _scalar(name: str, value: Any, kind: Any) -> Any:
    words, base = _SCALARS[kind]
    if not isinstance(value, base) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"Expected {name} to be {words}; got {value!r}.")
    if kind is float and not math.isfinite(float(value)):
        raise ValueError(f"Expected {name} to be finite; got {value!r}.")
    return kind(value)


_SCALARS: dict[type, tuple[str, Any]] = {
    int: ("a whole number", Integral),
    float: ("a number", Real),
    bool: ("true or false", bool),
    str: ("a word", str),
}


def _plain(value: Any) -> Any:
    """A value as JSON and YAML have it."""
    if isinstance(value, Mapping):
        return {word: _plain(item) for word, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _faults(recipe: Recipe) -> list[str]:
    checks = {
        "epochs, batch_size and gradient_accumulation_steps are at least 1": min(
            recipe.epochs, recipe.batch_size, recipe.gradient_accumulation_steps
        )
        >= 1,
        "learning_rate is above 0": recipe.learning_rate > 0,
        "weight_decay is not negative": recipe.weight_decay >= 0,
        "warmup, momentum and label_smoothing lie in [0, 1)": all(
            0 <= value < 1 for value in (recipe.warmup, recipe.momentum, recipe.label_smoothing)
        ),
        "ema is None or lies in (0, 1)": recipe.ema is None or 0 < recipe.ema < 1,
        "global_clipnorm is None or above 0": recipe.global_clipnorm is None or recipe.global_clipnorm > 0,
        "factors of learning_rate_multipliers are not negative": all(
            factor >= 0 for factor in recipe.learning_rate_multipliers.values()
        ),
        "layer_decay is None or lies in (0, 1]": recipe.layer_decay is None or 0 < recipe.layer_decay <= 1,
        "augmentation_options belong to augmentations of the recipe": set(recipe.augmentation_options)
        <= set(recipe.augmentation),
        "selection is 'last' where split is 'train+validation', as nothing is left to choose by": (
            recipe.split == "train" or recipe.selection == "last"
        ),
        "proximal thresholds are not negative": all(step >= 0 for step in recipe.proximal.values()),
        "milestones rise, and belong to the schedule 'step' alone": list(recipe.milestones)
        == sorted(set(recipe.milestones))
        and (recipe.schedule == "step") == bool(recipe.milestones),
        "the decay of 'adamw' is decoupled; 'adam' takes 'l2' too": (recipe.optimizer, recipe.decay_kind)
        != ("adamw", "l2"),
    }
    faults = []
    for rule in (rule for rule, holds in checks.items() if not holds):
        given = [f"{name}={getattr(recipe, name)!r}" for name in _hints() if re.search(rf"\b{name}\b", rule)]
        faults.append(f"{rule}; got {', '.join(given)}" if given else rule)
    return faults
