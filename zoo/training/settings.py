"""The options of a run, and their checks before anything is read or written."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo._suggestions import did_you_mean, suggests_fields
from zoo.hub import paths
from zoo.math.values import check_choice, check_whole

PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
"""What computations may be in."""

_BESIDE = ("recipe", "data", "callbacks", "size", "share", "split_seed", "unreadable")
"""Other arguments of those who take settings one by one."""

SEEDS = 2**32
"""Seeds lie below; NumPy takes no others."""


@suggests_fields
@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run is carried out; what is trained, by which recipe and on which data stands elsewhere.

    Attributes:
        seed: of initial weights, order, augmentation and dropout.
        start: weights to begin with: a folder written by `zoo.train` or `zoo.save`, or a registered model with
            weights; their hashes belong to what the run is. None draws them at random, or keeps those of a model that
            is given as an object.
        strategy: where it runs: `"auto"`, or one of `zoo.training.strategies.NAMES`. Where several processes train
            together, each makes the same call with a folder that all share, and the first one writes.
        linear_scaling: multiply batch size and learning rate by the number of replicas.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; weights are float32 in each.
        xla: False keeps XLA out of it on TensorFlow, which then runs the step as a graph. True takes XLA where it
            helps: see `zoo.hub.suits_xla`.
        epochs: instead of the recipe's number; the schedule is stretched or shortened to it, milestones included.
        smoke: one epoch on 256 examples, to see that everything works.
        publish: publish the finished run under this tag; that it is free is checked first.
        steps_per_execution: steps in one compiled call, which saves time where steps are short; not on torch.
        checkpoint_steps: save also after so many steps of an epoch; None saves after each epoch.
        progress: print to the standard error stream how it goes.

    Raises:
        ValueError: a setting that cannot be.

    Example:
        >>> RunSettings(seed=3, precision="mixed_bfloat16").seed
        3
    """

    seed: int = 0
    start: str | os.PathLike[str] | None = None
    strategy: str = "auto"
    linear_scaling: bool = False
    precision: str = "float32"
    xla: bool = True
    epochs: int | None = None
    smoke: bool = False
    publish: str | None = None
    steps_per_execution: int = 1
    checkpoint_steps: int | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        check_choice("precision", self.precision, PRECISIONS)
        for name in ("linear_scaling", "xla", "smoke", "progress"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"Expected {name} to be True or False; got {getattr(self, name)!r}.")
        if self.publish is not None:
            check_tag_word(self.publish, smoke=self.smoke)
        for name in ("epochs", "checkpoint_steps"):
            if getattr(self, name) is not None:
                self._put(name, check_whole(name, getattr(self, name)))
        self._put("steps_per_execution", check_whole("steps_per_execution", self.steps_per_execution))
        self._put("seed", check_whole("seed", self.seed, 0, SEEDS - 1))

    def _put(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @classmethod
    def of(cls, settings: RunSettings | Mapping[str, Any] | None, options: Mapping[str, Any]) -> RunSettings:
        """Settings with some of them given apart, as the keywords of `zoo.train`.

        Args:
            settings: the others, as an object or by name; None for the defaults.
            options: by name.

        Returns:
            All settings.

        Raises:
            TypeError: a name that is no setting (with the nearest one), or settings of another kind.
            ValueError: a setting that cannot be.

        Example:
            >>> RunSettings.of(RunSettings(seed=3), {"epochs": 5}).epochs
            5
        """
        if isinstance(settings, Mapping):
            options = {**settings, **options}
            settings = None
        if settings is not None and not isinstance(settings, RunSettings):
            raise TypeError(
                "Expected settings to be a dictionary or a zoo.training.RunSettings, such as {'epochs': 5}; got "
                f"{type(settings).__name__}."
            )
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(options) - set(known))
        if unknown:
            hint = did_you_mean(unknown[0], [*known, *_BESIDE])
            raise TypeError(
                f"Unknown setting {', '.join(map(repr, unknown))}.{hint} The settings are {', '.join(known)}."
            )
        return dataclasses.replace(settings or cls(), **options)


def check_tag_word(tag: str, *, smoke: bool = False) -> None:
    """A `ValueError` for a word that is no tag, or for a smoke run, which is never published."""
    if smoke:
        raise ValueError("A smoke run shows that training works and is not published: leave out one of the two.")
    if not re.fullmatch(paths.TAG, str(tag)):
        raise ValueError(f"Expected a tag like v1 or v12; got {tag!r}.")


def run_folder(out: Any) -> Path:
    """The path of the run folder; a `TypeError` where it is none."""
    if not isinstance(out, str | os.PathLike):
        raise TypeError(f"Expected out to be the path of the run folder; got {out!r}.")
    return Path(out)
