"""Checks of what a run is asked for, before anything is read or written."""

from __future__ import annotations

import os
from numbers import Integral
from pathlib import Path
from typing import Any

from zoo.training.compiling import PRECISIONS

SEEDS = 2**32
"""Seeds lie below; NumPy takes no others."""


def whole(name: str, value: Any, *, least: int, below: int | None = None) -> int:
    """A setting that has to be a whole number; True and False are none.

    Args:
        name: of the setting, for the error.
        value: what was given.
        least: the smallest number allowed.
        below: all numbers allowed are smaller; None sets no limit.

    Returns:
        The number.

    Raises:
        ValueError: it is something else, or out of bounds.

    Example:
        >>> whole("epochs", 3, least=1)
        3
    """
    number = isinstance(value, Integral) and not isinstance(value, bool)
    if not number or value < least or (below is not None and value >= below):
        bounds = f"of at least {least}" if below is None else f"from {least} to {below - 1}"
        raise ValueError(f"Expected {name} to be a whole number {bounds}; got {value!r}.")
    return int(value)


def check_settings(
    *, out: Any, seed: Any, precision: Any, epochs: Any, steps_per_execution: Any, checkpoint_steps: Any
) -> tuple[Path, int]:
    """The run folder and the seed, if all settings can be.

    Raises:
        TypeError: the run folder is no path.
        ValueError: a setting that cannot be.
    """
    if not isinstance(out, str | os.PathLike):
        raise TypeError(f"Expected out to be the path of the run folder; got {out!r}.")
    if precision not in PRECISIONS:
        raise ValueError(f"Expected precision to be one of {PRECISIONS}; got {precision!r}.")
    for name, value in {"epochs": epochs, "checkpoint_steps": checkpoint_steps}.items():
        if value is not None:
            whole(name, value, least=1)
    whole("steps_per_execution", steps_per_execution, least=1)
    return Path(out), whole("seed", seed, least=0, below=SEEDS)
