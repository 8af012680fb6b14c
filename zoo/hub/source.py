"""From a name to the card and configuration it stands for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.hub import paths, registry, store
from zoo.hub.cards import Card
from zoo.hub.facts import config_from_card, preset_facts
from zoo.hub.names import ModelName, is_path, parse_name


@dataclass(frozen=True)
class Source:
    """What a name stands for: a configuration and, unless untrained, a card; `folder` only for a user's own files."""

    config: Any
    labels: tuple[str, ...]
    card: Card | None = None
    folder: Path | None = None

    @property
    def weights(self) -> str | None:
        """The tag or folder of the weights, for the model's origin."""
        # Absolute: a relative folder could be taken for a tag or a name later, or be sought elsewhere after a chdir.
        return None if self.card is None else str(self.folder.absolute() if self.folder else self.card.tag)


def card(name: str | os.PathLike[str]) -> Card:
    """The facts about a model: origin, files, measured numbers, recipe, licence.

    Args:
        name: `"model"` (its newest weights), `"model.tag"` or a folder written by `zoo.save`.

    Returns:
        The card. A model without trained weights gets one with the facts of its preset and `tag=None`.

    Raises:
        ValueError: unknown name or tag, or a card that breaks the schema.

    Example:
        >>> import zoo
        >>> zoo.card("e4net_mnistrot").architecture["parameters"]
        18118
    """
    parsed = parse_name(name)
    if isinstance(parsed, Path):
        return Card.load(parsed / paths.CARD)
    preset = registry.find_preset(parsed.model)
    if parsed.tag is None and not paths.tags(parsed.model):
        return Card.from_dict(preset_facts(preset, preset.config, preset.parameters) | {"files": {}})
    return _published_card(parsed.model, parsed.tag)


def asset(name: str | os.PathLike[str], file_name: str) -> Path:
    """A file that lies beside a model's weights, such as the graph that a node classifier was trained on.

    Args:
        name: `"model"` (its newest weights), `"model.tag"` or a folder written by `zoo.save`.
        file_name: one of the files in the card, for example `"graph.npz"`.

    Returns:
        The path of the checked file, downloaded if need be.

    Raises:
        ValueError: unknown name, a file that the card does not list, or one that is damaged or altered.
        OSError: the file is nowhere to be found, or the download failed.
    """
    parsed = parse_name(name)
    folder = parsed if isinstance(parsed, Path) else None
    facts = card(name)
    path = paths.find_file(facts, file_name, folder=folder)
    store.read_checked(path, facts.files[file_name])
    return path


def find_source(name: ModelName | Path, weights: str | os.PathLike[str] | None) -> Source:
    """What `name` and the argument `weights` of `zoo.load` stand for together."""
    if isinstance(name, Path):
        if weights != "default":
            raise ValueError(f"the folder {name} already says which weights: leave out weights={weights!r}")
        return _card_source(Card.load(name / paths.CARD), name)
    preset = registry.find_preset(name.model)
    if weights is None and name.tag is None:
        return Source(preset.config, preset.labels)
    if name.tag is not None and weights != "default":
        raise ValueError(f"the name '{name}' already says which weights: leave out weights={weights!r}")
    if weights is not None and weights != "default" and is_path(weights):
        folder = Path(weights).expanduser()
        return _card_source(_same_model(Card.load(folder / paths.CARD), name.model, folder), folder)
    tag = name.tag if weights == "default" else str(weights)
    if tag is not None and not re.fullmatch(paths.TAG, tag):
        raise ValueError(f"weights={tag!r}: expected 'default', a tag such as 'v1', a folder ('./{tag}') or None")
    return _card_source(_published_card(name.model, tag))


def _card_source(card: Card, folder: Path | None = None) -> Source:
    return Source(config_from_card(card), card.labels, card, folder)


def _published_card(model: str, tag: str | None) -> Card:
    known = paths.tags(model)
    if tag is None and not known:
        raise ValueError(
            f"{model!r} has no trained weights in {paths.weights_root()}: "
            f"zoo.load({model!r}, weights=None) gives it untrained, "
            f"zoo.list_models(pretrained=True) lists those that have some"
        )
    path = paths.card_path(model, tag or known[-1])
    found = _same_model(Card.load(path), model, path)
    if found.tag != path.parent.name:
        raise ValueError(f"card {path} says tag {found.tag!r}, its folder says {path.parent.name!r}")
    return found


def _same_model(card: Card, model: str, where: Path) -> Card:
    if card.name != model:
        raise ValueError(f"{where} holds weights of {card.name!r}, not of {model!r}")
    return card
