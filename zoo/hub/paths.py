"""Where weights live: the wheel or checkout, the user's cache, and the order in which they are searched."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zoo._paths import expanded, user_cache
from zoo._plugins import SNAKE_CASE
from zoo.hub.cards import Card

MODEL_NAME = SNAKE_CASE
TAG = r"v[0-9]+"

CARD = "card.json"
BASE = "base.safetensors"
"""Weights of another model that this one begins with and has in common; what `model.safetensors` holds goes before."""
BODY = "model.safetensors"
HEAD = "head.safetensors"
GOLDEN = "golden.npz"
HISTORY = "history.csv"
FIRST_PART = "head"
"""Folder inside that of a fine-tuned run: of the epochs in which the head learned alone."""


def local_path(path: str | os.PathLike[str]) -> Path:
    """A path of this machine.

    Raises:
        ValueError: an address such as `s3://bucket/models`, which as a path would mean a folder called `s3:`.

    Example:
        >>> local_path("runs/7").name
        '7'
    """
    if "://" in os.fspath(path):
        raise ValueError(
            f"{path} is an address, no path of this machine: use a local folder, and copy it from or to there"
        )
    return expanded(path)


def weights_root() -> Path:
    """The folder with the shipped cards and weights.

    `ZOO_WEIGHTS` if it is set, else the folder inside the installed package, else the checkout's.
    """
    if os.environ.get("ZOO_WEIGHTS"):
        chosen = expanded(os.environ["ZOO_WEIGHTS"])
        if chosen.exists() and not chosen.is_dir():
            raise NotADirectoryError(f"the environment variable ZOO_WEIGHTS names {chosen}, which is no folder")
        return chosen
    package = Path(__file__).resolve().parent.parent
    inside = package / "weights"
    return inside if inside.is_dir() else package.parent / "weights"


def cache_root() -> Path:
    """The folder for downloaded weights: `ZOO_CACHE` if it is set, else the user's cache folder."""
    if os.environ.get("ZOO_CACHE"):
        return expanded(os.environ["ZOO_CACHE"])
    return user_cache() / "weights"


def tags(model: str) -> list[str]:
    """The tags of `model` that have a card, oldest first."""
    folder = weights_root() / model
    if not folder.is_dir():
        return []
    found = [path.name for path in folder.iterdir() if re.fullmatch(TAG, path.name) and (path / CARD).is_file()]
    return sorted(found, key=natural_key)


def card_path(model: str, tag: str) -> Path:
    """The card of a tag; a `ValueError` that lists the existing tags when there is none."""
    if tag not in tags(model):
        known = ", ".join(tags(model)) or "none"
        raise ValueError(f"{model!r} has no weights {tag!r}; existing tags: {known} (in {weights_root() / model})")
    return weights_root() / model / tag / CARD


def find_file(card: Card, file_name: str, *, folder: Path | None = None) -> Path:
    """The local path of one of a card's files, downloaded if need be.

    Args:
        card: the card that lists the file.
        file_name: `"model.safetensors"`, for example.
        folder: look in this folder only, but for a file that other weights share. Without it: the user's cache, then
            the shipped weights, then the card's URLs.

    Returns:
        A path. A file in the cache has been checked; the reader checks every file once more.

    Raises:
        ValueError: the card does not list the file.
        FileNotFoundError: the file is nowhere and the card names no URL.
        OSError: the download failed or the cache cannot be written.
    """
    facts = card.files.get(file_name)
    if facts is None:
        raise ValueError(f"the card of {card.name!r} lists no {file_name}; it lists {sorted(card.files)}")
    if folder is not None and (facts.of is None or (folder / file_name).is_file()):
        return _existing(folder / file_name)
    from zoo.hub import download  # not at the top: what downloads takes a while to import

    owner, _, name = (facts.of or f"{card.name}.{card.tag}/{file_name}").partition("/")
    place = Path(*owner.rsplit(".", 1)) / name
    cached = cache_root() / place
    if download.keep_if_sound(cached, size=facts.size, sha256=facts.sha256):
        return cached
    shipped = weights_root() / place
    if shipped.is_file():
        return shipped
    if not facts.urls:
        raise FileNotFoundError(
            f"{file_name} of {card.name}.{card.tag} is not on this machine and its card names no URL; "
            f"looked at {cached} and {shipped}; put the file at one of them"
        )
    return download.fetch(facts.urls, cached, size=facts.size, sha256=facts.sha256)


def natural_key(name: str) -> list[str | int]:
    """A sort key by which `v9` comes before `v10`."""
    return [int(part) if part.isdigit() else part for part in re.split(r"([0-9]+)", name)]


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist although the card beside it lists it; copy the whole folder")
    return path
