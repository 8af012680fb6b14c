"""What installed packages add to zoo: their entry points, read when they are first needed.

A package that cannot be loaded, or whose addition is refused, is one warning that names it; all else works.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any

HERE = "this program"
"""Who registered what a function was called with."""

SNAKE_CASE = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
"""How names of families, presets, data sets and augmentations are written."""


def add_installed(group: str, add: Callable[[str, Any, str], None]) -> None:
    """Adds what installed packages offer in a group.

    Args:
        group: of entry points, as `zoo.families`.
        add: called with the entry point's name, what it stands for, and words for where it comes from; an error that
            it raises becomes the warning.

    Warns:
        UserWarning: an entry point that cannot be loaded, or is refused.
    """
    for entry in sorted(_entries(group), key=lambda entry: (_package(entry), entry.name)):
        where = f"the package {_package(entry)} ({entry.value})"
        try:
            add(entry.name, entry.load(), where)
        except Exception as error:  # whatever a package of somebody else does
            said = f"{where} is left out: {type(error).__name__}: {error}"
            # By package and error: a module that cannot be imported may stand in several groups.
            _warn_once(said, f"{entry.name!r} of {said}")


def _entries(group: str) -> list[EntryPoint]:
    """The entry points of a group; a package whose description cannot be read is left out, with a warning."""
    try:
        return list(entry_points(group=group))
    except Exception:  # of one package, and none of the others would be found
        found: dict[tuple[str, str], EntryPoint] = {}
    for package in distributions():
        try:
            for entry in package.entry_points.select(group=group):
                found.setdefault((package.name, entry.name), entry)
        except Exception as error:
            said = f"the package at {getattr(package, '_path', '?')} is left out: {type(error).__name__}: {error}"
            _warn_once(said, said)
    return list(found.values())


def _warn_once(what: str, text: str) -> None:
    if what not in _said:
        _said.add(what)
        warnings.warn(text, stacklevel=3)


_said: set[str] = set()
"""Warnings that were given already."""


def check_same(what: str, name: str, known: Any, value: Any, owner: str, other: str) -> bool:
    """Whether a name is taken, by the very same thing; a `ValueError` that names both owners if by another one.

    Args:
        what: kind of thing, for the message.
        name: its name.
        known: what has the name already; None for nothing.
        value: what is to have it.
        owner: who brought `known`.
        other: who brings `value`.
    """
    if known is not None and known is not value and known != value:
        raise ValueError(
            f"two {what} are called {name!r}: that of {owner}, and that of {other}. Give the second another name."
        )
    return known is not None


def _package(entry: EntryPoint) -> str:
    try:
        return str(entry.dist.name) if entry.dist else "?"
    except Exception:  # its metadata cannot be read
        return "?"
