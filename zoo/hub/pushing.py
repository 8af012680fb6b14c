"""From a model or a folder to a repository on the Hugging Face Hub."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from pathlib import Path

import keras

from zoo._suggestions import suggests
from zoo.hub import hub_readme, paths, saving, store
from zoo.hub.cards import Card
from zoo.hub.hugging_face import Address, explained, load_client
from zoo.hub.loading import load
from zoo.hub.names import parse_name
from zoo.hub.reading import read_tensors, weights_files
from zoo.hub.source import Source, find_source
from zoo.version import __version__


@suggests
def push(
    model: keras.Model | str | os.PathLike[str],
    address: str,
    *,
    private: bool = False,
    message: str | None = None,
) -> str:
    """Write weights, card and a `README.md` into a repository of the Hugging Face Hub, as one commit.

    The repository gets `model.safetensors` with all weights under plain names, so that any reader of safetensors
    understands it, the other files of the card, `card.json`, and a `README.md` with the Hub's metadata, both made anew
    by each push. Other files there stay.

    Args:
        model: a model of zoo's, or the name or folder of weights: all that `zoo.load` takes.
        address: `"hf://owner/name"`, made if need be, or `"hf://owner/name@branch"` for a branch, made likewise.
        private: a new repository is one that only its owner sees.
        message: of the commit.

    Returns:
        The address of what was written, `"hf://owner/name@commit"`, which `zoo.load` reads.

    Raises:
        ImportError: the extra `hub` is not installed.
        ValueError: no address, no trained weights, damaged files, or `private` for a repository that everybody sees.
        OSError: the Hub cannot be reached, or the token may not write there.

    Example:
        >>> import zoo
        >>> model = zoo.load("e4net_mnistrot")
        >>> zoo.push(model, "hf://me/digits", private=True)  # doctest: +SKIP
        'hf://me/digits@0d1a7a1c...'
    """
    place = Address.parse(address)
    load_client()
    with tempfile.TemporaryDirectory(prefix="zoo-push-") as scratch:
        card, files = _standard_files(_source(model, Path(scratch)), place)
    commit = _upload(files, place, private, message or f"{card.name}, written by zoo {__version__}")
    return str(dataclasses.replace(place, revision=commit))


def _source(model: keras.Model | str | os.PathLike[str], scratch: Path) -> Source:
    """The card and files of a model, which are written into a folder where there are none."""
    if not isinstance(model, str | os.PathLike):
        return find_source(saving.save(model, scratch), "default")
    source = find_source(parse_name(model), "default")
    return source if source.card else _source(load(model, compile=False), scratch)


def _standard_files(source: Source, address: Address) -> tuple[Card, dict[str, bytes]]:
    """Files that others can read, too, with their card: the weights in one of them, nothing packed."""
    assert source.card is not None
    weights = weights_files(source.card)
    files = {paths.BODY: store.tensors_to_bytes(read_tensors(source.card, source.folder, weights), packed=False)}
    for name in (name for name in source.card.files if name not in weights):
        path = paths.find_file(source.card, name, folder=source.folder)
        files[name] = store.read_checked(path, source.card.files[name])
    card = dataclasses.replace(source.card, files={name: store.facts_of(data) for name, data in files.items()})
    texts = {paths.CARD: card.to_json(), "README.md": hub_readme.readme(card, address)}
    return card, files | {name: text.encode() for name, text in texts.items()}


def _upload(files: dict[str, bytes], address: Address, private: bool, message: str) -> str:
    """The commit that the files became."""
    client, repository = load_client(), address.repository
    api = client.HfApi(library_name="zoo", library_version=__version__)
    with explained(address, "write", "the files"):
        api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise ValueError(f"{repository!r} exists, and everybody sees it: choose another name, or leave out private")
        if address.revision:
            api.create_branch(repository, branch=address.revision, exist_ok=True)
        additions = [client.CommitOperationAdd(name, data) for name, data in files.items()]
        return api.create_commit(repository, additions, commit_message=message, revision=address.revision).oid
