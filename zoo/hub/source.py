"""From a name to the card and configuration it stands for."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zoo.hub import keras_file, paths, registry
from zoo.hub.cards import Card
from zoo.hub.facts import config_from_card, count_parameters, origin_facts, preset_facts
from zoo.hub.names import ModelName, is_path, parse_name
from zoo.hub.origin import find_origin


@dataclass(frozen=True)
class Source:
    """What a name stands for: a configuration and, unless untrained, a card or a file of Keras.

    `folder` is there only for a user's own files, `task` only where one was asked for, `file` only for a `.keras` file.
    """

    config: Any
    labels: tuple[str, ...]
    card: Card | None = None
    folder: Path | None = None
    task: str | None = None
    file: Path | None = None

    @property
    def is_trained(self) -> bool:
        """Whether there are weights."""
        return self.card is not None or self.file is not None

    def __str__(self) -> str:
        """Where the weights are, for errors."""
        tag = f"{self.config.name}.{self.card.tag}" if self.card else self.config.name
        return str(self.file or self.folder or tag)

    @property
    def weights(self) -> str | None:
        """The tag or folder of the weights, for the model's origin."""
        # Absolute: a relative folder could be taken for a tag or a name later, or be sought elsewhere after a chdir.
        own = self.file or self.folder
        return str(own.absolute()) if own else None if self.card is None else str(self.card.tag)


def card(name: str | os.PathLike[str]) -> Card:
    """The facts about a model: origin, files, measured numbers, recipe, licence.

    Args:
        name: `"model"` (its newest weights), `"model.tag"`, a folder written by `zoo.save`, a `.keras` file or
            `"hf://owner/name"`.

    Returns:
        The card. A model without trained weights gets one with the facts of its preset and `tag=None`; one in a
        `.keras` file gets what the file says, without files.

    Raises:
        ValueError: unknown name or tag, or a card that breaks the schema.

    Example:
        >>> import zoo
        >>> zoo.card("e4net_mnistrot").architecture["parameters"]
        18118
    """
    parsed = parse_name(name)
    if isinstance(parsed, Path):
        return _file_card(parsed) if keras_file.is_file(parsed) else Card.load(parsed / paths.CARD)
    preset = registry.find_preset(parsed.model)
    if parsed.tag is None and not paths.tags(parsed.model):
        return Card.of_preset(preset_facts(preset, preset.config, preset.parameters))
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
    from zoo.hub import store  # not at the top: NumPy, which a card does without, takes a while to import

    parsed = parse_name(name)
    folder = parsed if isinstance(parsed, Path) else None
    facts = card(folder or name)
    path = paths.find_file(facts, file_name, folder=folder)
    store.read_checked(path, facts.files[file_name])
    return path


def expects_of(model: Any) -> dict[str, Any] | None:
    """What a model's images look like, as its card says; None where any image may come or nothing is known.

    Of a model in memory that is what its weights were trained on; of one with class names of its own, nothing.
    """
    origin = find_origin(model)
    preset = registry.presets().get(origin.preset) if origin and origin.preset else None
    if origin is None or preset is None or preset.expects is None:
        return None
    if origin.weights is not None and os.path.isabs(origin.weights):
        try:
            return Card.load(Path(origin.weights) / paths.CARD).expects
        except (OSError, ValueError):  # the folder is gone
            return None
    return dict(preset.expects) if tuple(origin.labels) == tuple(preset.labels) else None


def find_source(name: ModelName | Path, weights: str | os.PathLike[str] | None) -> Source:
    """What `name` and the argument `weights` of `zoo.load` stand for together."""
    if isinstance(name, Path):
        if weights != "default":
            raise ValueError(f"{name} already says which weights: leave out weights={weights!r}")
        return _path_source(name)
    preset = registry.find_preset(name.model)
    if weights is None and name.tag is None:
        return Source(preset.config, preset.labels)
    if name.tag is not None and weights != "default":
        raise ValueError(f"the name '{name}' already says which weights: leave out weights={weights!r}")
    if weights is not None and weights != "default" and is_path(weights):
        own = parse_name(weights)
        assert isinstance(own, Path)  # a path was asked for before
        source = _path_source(own)
        _same_model(source.config.name, name.model, own)
        return source
    tag = name.tag if weights == "default" else str(weights)
    if tag is not None and not re.fullmatch(paths.TAG, tag):
        raise ValueError(f"weights={tag!r}: expected 'default', a tag such as 'v1', a folder ('./{tag}') or None")
    return _card_source(_published_card(name.model, tag))


def _path_source(path: Path) -> Source:
    """A folder of zoo's or a file of Keras."""
    if not keras_file.is_file(path):
        return _card_source(Card.load(path / paths.CARD), path)
    origin = keras_file.read_origin(path)
    return Source(origin.config, origin.labels, task=origin.task, file=path)


def _file_card(path: Path) -> Card:
    from zoo.hub.loading import build  # which itself asks this module

    origin = keras_file.read_origin(path)
    parameters = count_parameters(build(origin.config))
    return Card.from_dict(origin_facts(origin, parameters) | {"files": {}}, where=f"of {path}")


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
    found = Card.load(path)
    _same_model(found.name, model, path)
    if found.tag != path.parent.name:
        raise ValueError(f"card {path} says tag {found.tag!r}, its folder says {path.parent.name!r}")
    expects = registry.find_preset(model).expects  # cards of older tags lack it
    return found if found.expects or expects is None else replace(found, expects=dict(expects))


def _same_model(found: str, model: str, where: Path) -> None:
    if found != model:
        raise ValueError(f"{where} holds weights of {found!r}, not of {model!r}")
