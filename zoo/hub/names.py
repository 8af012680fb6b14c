"""What a user's name for a model means: `model`, `model.tag` or a folder. Nothing is guessed."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from zoo.hub import paths


@dataclass(frozen=True)
class ModelName:
    """A registered model's name and, where one was given, the tag of its weights."""

    model: str
    tag: str | None = None

    def __str__(self) -> str:
        """The name as a user writes it."""
        return f"{self.model}.{self.tag}" if self.tag else self.model


def parse_name(name: str | os.PathLike[str]) -> ModelName | Path:
    """Read `"model"`, `"model.tag"` or a folder.

    A folder is a path object, or text with a path separator or with `.` or `~` at its beginning: `"./run"`,
    `"runs/7"`, `"~/run"`. Any other text is a model's name, whatever the working directory holds.
    """
    if is_path(name):
        return Path(name).expanduser()
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
    """Whether `name` means a folder and not a model."""
    if isinstance(name, os.PathLike):
        return True
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected a model's name, 'model.tag' or a folder, got {name!r}")
    return name[0] in ".~" or "/" in name or os.sep in name
