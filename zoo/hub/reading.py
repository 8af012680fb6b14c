"""The weights that a name, a folder or a file stands for, and what is frozen in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from zoo.hub import keras_file, paths, state, store
from zoo.hub.cards import Card
from zoo.hub.model import ZooModel
from zoo.hub.source import Source


@dataclass(frozen=True)
class State:
    """Weights by their paths within the model, and the names of what is frozen (see `zoo.hub.state`)."""

    tensors: store.Tensors
    frozen: tuple[str, ...]


def read_state(source: Source, *, head: bool = True, kept: ZooModel | None = None) -> State:
    """What is stored in the files of a source.

    Args:
        source: a source with weights.
        head: False leaves out what belongs to the head, and does not open its file.
        kept: the model in the source's `.keras` file, where it has been read already.

    Raises:
        ValueError: a damaged or altered file.
        OSError: a file that is nowhere to be found.
    """
    if source.card is not None:
        files = weights_files(source.card, head=head and source.config.include_head)
        tensors = read_tensors(source.card, source.folder, files)
        return State(_chosen(tensors, head), source.card.frozen)
    from zoo.hub.loading import build  # which itself asks this module

    assert source.file is not None
    model = kept or keras_file.read_model(source.file, compile=False)
    return State(_chosen(state.plain_tensors(model), head), state.frozen(model, build(source.config)))


def _chosen(tensors: store.Tensors, head: bool) -> store.Tensors:
    """The tensors, those of the head left out where it is not wanted: not every set has a file of its own for them."""
    return {key: tensor for key, tensor in tensors.items() if head or not store.is_head(key)}


def weights_files(card: Card, *, head: bool = True) -> list[str]:
    """The weights files that a card lists, in the order in which they are read."""
    wanted = (paths.BASE, paths.BODY, paths.HEAD) if head else (paths.BASE, paths.BODY)
    return [name for name in wanted if name in card.files or name == paths.BODY]


def read_tensors(card: Card, folder: Path | None, names: Iterable[str]) -> store.Tensors:
    """The tensors in some of a card's files, whose hashes are checked."""
    tensors: store.Tensors = {}
    for name in names:
        path = paths.find_file(card, name, folder=folder)
        tensors |= store.tensors_from_bytes(store.read_checked(path, card.files[name]), source=str(path))
    return tensors
