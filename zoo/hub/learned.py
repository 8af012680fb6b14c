"""Data of a user's own that a model learned from, as its card tells of it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.hub import keras_file, paths, registry
from zoo.hub.cards import Card
from zoo.hub.names import parse_name

_WORDS = "own data"


@dataclass(frozen=True)
class OwnData:
    """Data of a user's own that a model learned from.

    Attributes:
        model: the model, as it was named.
        name: the last part of the path of folder or file, which is all that a card says; `""` of what has none.
    """

    model: str
    name: str

    @property
    def ask(self) -> str:
        """The sentence that asks for it."""
        if not self.name:
            return (
                f"{self.model} learned from data of your own, whose name its card does not say: give it with --data "
                "(in Python data=)."
            )
        place = self.name if Path(self.name).exists() else f"PATH/{self.name}"
        return (
            f"{self.model} learned from {self.name}, which is data of your own: give it with --data "
            f"{shlex.quote(place)} (in Python data={place!r})."
        )


def called(name: str | None) -> str:
    """What a card calls data of a user's own: with a blank, so that no registered set has that name."""
    return f"{_WORDS} {name}" if name else _WORDS


def own_data(name: str | os.PathLike[str]) -> OwnData | None:
    """What a model learned from, where that is data of a user's own.

    Args:
        name: as for `zoo.card`.

    Returns:
        The data as the card calls it; None for a registered data set, and where the card does not say it.

    Raises:
        ValueError: a card that breaks the schema.

    Example:
        >>> own_data("e4net_mnistrot") is None
        True
    """
    parsed = parse_name(name)
    if not isinstance(parsed, Path) or keras_file.is_file(parsed):
        return None
    known = _name(Card.load(parsed / paths.CARD))
    return None if known is None else OwnData(os.fspath(name), known)


def own_data_of(origin: Any) -> OwnData | None:
    """The same of a model in memory, by the folder that its weights were read from."""
    weights = getattr(origin, "weights", None)
    if weights is None or not os.path.isabs(weights) or not Path(weights, paths.CARD).is_file():
        return None
    found = own_data(weights)
    here = os.path.relpath(weights)
    return found if found is None or here.startswith(os.pardir) else OwnData(here, found.name)


def _name(card: Card) -> str | None:
    """The name of the data, `""` where it has none; None where it is no data of a user's own."""
    known = (card.dataset or {}).get("name", "")
    if known == _WORDS or known.startswith(f"{_WORDS} "):
        return known[len(_WORDS) + 1 :]
    preset = None if card.tag or card.dataset else registry.presets().get(card.name)
    return "" if preset is not None and len(card.labels) not in (0, len(preset.labels)) else None
