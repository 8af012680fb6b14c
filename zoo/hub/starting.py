"""Weights of one model as the beginning of another one's training."""

from __future__ import annotations

import os
from typing import Any

import keras

from zoo import _copying
from zoo.hub import store
from zoo.hub.names import parse_name
from zoo.hub.origin import find_origin
from zoo.hub.reading import read_state, weights_files
from zoo.hub.source import find_source


def start_facts(name: str | os.PathLike[str]) -> dict[str, Any]:
    """What weights are, for the record of a run that begins with them. Reads the card alone.

    Args:
        name: `"model"` (its newest weights), `"model.tag"` or a folder written by `zoo.save` or
            `zoo.train`, or a `.keras` file.

    Returns:
        `name` and `tag` of the card, and `sha256` of each file by its name.

    Raises:
        ValueError: unknown name or tag, or no trained weights.
        OSError: no such folder.
    """
    source = find_source(parse_name(name), "default")
    if source.file is not None:
        sha256 = store.facts_of(source.file.read_bytes()).sha256
        return {"name": source.config.name, "tag": None, "sha256": {source.file.name: sha256}}
    card = source.card
    assert card is not None  # "default" weights have one
    hashes = {file: card.files[file].sha256 for file in weights_files(card)}
    return {"name": card.name, "tag": card.tag, "sha256": hashes}


def start_from(model: keras.Model, name: str | os.PathLike[str]) -> None:
    """Gives a model the weights of a name or folder; the head stays as it is where the classes differ.

    Args:
        model: a built model whose variables have the same paths and shapes, those of another head apart.
        name: as in `start_facts`.

    Raises:
        ValueError: a damaged or altered file, or weights that do not fit: all missing, unexpected and mis-shaped keys.
        OSError: a file that is nowhere to be found.
    """
    source = find_source(parse_name(name), "default")
    origin = find_origin(model)
    same = model.output_shape[-1] == source.config.num_classes and (origin is None or origin.labels == source.labels)
    head = same and source.config.include_head
    variables = {key: variable for key, variable in store.keyed(model).items() if head or not store.is_head(key)}
    store.assign(variables, read_state(source, head=head).tensors, source=str(name))
    _copying.finalize(model)
