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
        if place in {preset.dataset for preset in registry.presets().values()}:
            place = f"./{place}"  # the bare word would mean the registered set
        return (
            f"{self.model} learned from {self.name}, which is data of your own: give it with --data "
            f"{shlex.quote(place)} (in Python data={place!r})."
        )


def called(name: str | None) -> str:
    """What a card calls data of a user's own: with a blank, so that no registered set has that name."""
    return f"{_WORDS} {name}" if name else _WORDS


def learned_from(name: str | os.PathLike[str]) -> OwnData | str | None:
    """What the card in a folder says that its model learned from.

    Args:
        name: as for `zoo.card`.

    Returns:
        Data of a user's own, or the name of a data set; None where the card does not say it, and of what is no folder.

    Raises:
        ValueError: a card that breaks the schema.

    Example:
        >>> learned_from("e4net_mnistrot") is None
        True
    """
    parsed = parse_name(name)
    if not isinstance(parsed, Path) or keras_file.is_file(parsed):
        return None
    card = Card.load(parsed / paths.CARD)
    known = (card.dataset or {}).get("name", "")
    if known == _WORDS or known.startswith(f"{_WORDS} "):
        return OwnData(os.fspath(name), known[len(_WORDS) + 1 :])
    preset = None if card.tag or card.dataset else registry.presets().get(card.name)
    if preset is not None and len(card.labels) not in (0, len(preset.labels)):
        return OwnData(os.fspath(name), "")
    return known or None


def learned_by(origin: Any) -> OwnData | str | None:
    """The same of a model in memory, by the folder that its weights were read from."""
    weights = getattr(origin, "weights", None)
    if weights is None or not os.path.isabs(weights) or not Path(weights, paths.CARD).is_file():
        return None
    found, here = learned_from(weights), os.path.relpath(weights)
    return OwnData(here, found.name) if isinstance(found, OwnData) and not here.startswith(os.pardir) else found
