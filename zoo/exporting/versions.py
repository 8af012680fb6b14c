"""Version folders `<root>/<model>/<n>`: written under a temporary name, renamed when they are complete and checked."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STALE_SECONDS = 24 * 3600  # no export takes a day


@dataclass
class Version:
    """A version in the making: where to write it, and afterwards where it stands."""

    stage: Path
    folder: Path


@contextmanager
def new_version(root: Path, name: str) -> Iterator[Version]:
    """A folder to fill, which gets the next free number if the block ends well and disappears if it does not.

    Servers that watch `<root>/<name>` never see an unfinished version: the temporary name is no number.

    Raises:
        OSError: the folder cannot be made or written.
    """
    made = _make(root / name)
    _remove_stale(root / name)
    version = Version(root / name / f".{uuid.uuid4().hex}.tmp", root / name)
    try:
        version.stage.mkdir()
        yield version
        version.folder = _rename(version.stage)
    finally:
        shutil.rmtree(version.stage, ignore_errors=True)
        for folder in made:
            if not any(folder.iterdir()):
                folder.rmdir()


def _make(folder: Path) -> list[Path]:
    """Make a folder; those that were not there before, the innermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make the folder {folder} ({error.strerror or error}): choose another path") from error
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"cannot write to the folder {folder}: choose another path")
    return missing


def _remove_stale(folder: Path) -> None:
    """Remove what exports left that were killed; by age, since the process may have run on another machine."""
    for path in folder.glob(".*.tmp"):
        if time.time() - path.stat().st_mtime > _STALE_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _rename(stage: Path) -> Path:
    """Give the stage the number after the highest there is; another process may take it first."""
    while True:
        taken = [int(path.name) for path in stage.parent.iterdir() if path.name.isdecimal()]
        folder = stage.parent / str(max(taken, default=0) + 1)
        try:
            os.rename(stage, folder)
        except OSError:
            if not folder.exists():
                raise
        else:
            return folder
