"""Weights of one model as the beginning of another one's training."""

from __future__ import annotations

import os
from typing import Any

import keras

from zoo.hub import paths, store
from zoo.hub.loading import read_tensors
from zoo.hub.names import parse_name
from zoo.hub.source import find_source


def start_facts(name: str | os.PathLike[str]) -> dict[str, Any]:
    """What weights are, for the record of a run that begins with them. Reads the card alone.

    Args:
        name: `"model"` (its newest weights), `"model.tag"` or a folder written by `zoo.save` or `zoo.train`.

    Returns:
        `name` and `tag` of the card, and `sha256` of each file by its name.

    Raises:
        ValueError: unknown name or tag, or no trained weights.
        OSError: no such folder.
    """
    card = find_source(parse_name(name), "default").card
    assert card is not None  # "default" weights have one
    hashes = {file: card.files[file].sha256 for file in (paths.BODY, paths.HEAD) if file in card.files}
    return {"name": card.name, "tag": card.tag, "sha256": hashes}


def start_from(model: keras.Model, name: str | os.PathLike[str]) -> None:
    """Gives a model the weights of a name or folder, head and all.

    Args:
        model: a built model whose variables have the same paths and shapes.
        name: as in `start_facts`.

    Raises:
        ValueError: a damaged or altered file, or weights that do not fit: all missing, unexpected and mis-shaped keys.
        OSError: a file that is nowhere to be found.
    """
    source = find_source(parse_name(name), "default")
    assert source.card is not None
    files = [file for file in (paths.BODY, paths.HEAD) if file in source.card.files]
    store.assign(model.weights, read_tensors(source.card, source.folder, files), source=str(name))
