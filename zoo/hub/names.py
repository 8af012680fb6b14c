"""What a name for a model means: `model`, `model.tag`, a folder, a `.keras` file or `hf://`. Nothing is guessed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from zoo._paths import expanded
from zoo.hub import hugging_face, paths


@dataclass(frozen=True)
class ModelName:
    """A registered model's name and, where one was given, the tag of its weights."""

    model: str
    tag: str | None = None

    def __str__(self) -> str:
        """The name as a user writes it."""
        return f"{self.model}.{self.tag}" if self.tag else self.model


def parse_name(name: str | os.PathLike[str]) -> ModelName | Path:
    """Read `"model"`, `"model.tag"`, a folder, a `.keras` file or an address on the Hugging Face Hub.

    A path is a path object, or text with a path separator or with `.` or `~` at its beginning: `"./run"`,
    `"runs/7"`, `"~/run"`; or the name of a file, `"best.keras"`. Any other text is a model's name, whatever the working
    directory holds.

    What an address means, `"hf://owner/name"` or `"hf://owner/name@revision"`, is downloaded unless the Hub's cache has
    it, and gives the folder there (see `zoo.hub.hugging_face.fetch_folder`).
    """
    if hugging_face.is_address(name):
        return hugging_face.fetch_folder(str(name))
    if is_path(name):
        return expanded(name)
    model, dot, tag = str(name).partition(".")
    if not dot:
        return ModelName(model)
    if not re.fullmatch(paths.TAG, tag):
        raise ValueError(
            f"{tag!r} in {name!r} is no weights tag: expected 'model' or 'model.v1'; "
            f"a folder is written with a separator, './{name}'"
        )
    return ModelName(model, tag)


def is_path(name: object) -> bool:
    """Whether `name` means a folder or file, here or on the Hub, and not a model; a `ValueError` for other URLs."""
    if isinstance(name, os.PathLike):
        return True
    if not isinstance(name, str) or not name:
        raise ValueError(f"Expected a model's name, 'model.tag' or a folder; got {name!r}.")
    if "://" in name and not hugging_face.is_address(name):
        raise ValueError(
            f"{name!r} is a URL: expected a model's name, a folder written by zoo.save, a .keras file or "
            "'hf://owner/name' on the Hugging Face Hub; download it first"
        )
    return name[0] in ".~" or "/" in name or os.sep in name or name.endswith(".keras")
