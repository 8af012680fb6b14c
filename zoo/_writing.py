"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, beside the file: it takes the file's place if the block ends well, and goes if it does not.

    Content and name are on the disk before the block is left. A process that is killed leaves a `.NAME.*.tmp`.

    Args:
        path: of the file; its folder must be there.

    Raises:
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with whole(folder / "facts.json") as part:
        ...     _ = part.write_text("{}")
        >>> [path.name for path in folder.iterdir()]
        ['facts.json']
    """
    with whole_together([Path(path)]) as (part,):
        yield part


@contextmanager
def whole_together(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """As `whole`, for several files, which get their names in the given order when the content of all is on the disk.

    Args:
        targets: paths of the files; their folders must be there.

    Raises:
        OSError: a file cannot be written.
    """
    parts = [target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp") for target in targets]
    try:
        yield parts
        for part in parts:
            with part.open("rb+") as file:
                os.fsync(file.fileno())
        for part, target in zip(parts, targets, strict=True):
            os.replace(part, target)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    for folder in {target.parent for target in targets}:
        _sync_folder(folder)


def check_target(folder: Path, what: str) -> None:
    """Says in words why a folder cannot be made, or cannot be written where it is there.

    Args:
        folder: that is going to be written.
        what: goes there, for the error.

    Raises:
        NotADirectoryError: it, or a folder above it, is a file.
        PermissionError: it, or the first folder above it that is there, is not writable.
    """
    there = next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path())
    if not there.is_dir():
        raise NotADirectoryError(f"Expected a folder for {what}; {there} is a file. Choose another folder.")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"No permission to write to {there}. Choose another folder for {what}.")


def check_file(path: str | os.PathLike[str], suffixes: Sequence[str]) -> None:
    """Says in words why a file cannot be written, before the work on its content.

    Args:
        path: of the file.
        suffixes: what its name may end in, in lower case.

    Raises:
        ValueError: its name ends in something else.
        FileNotFoundError: there is no such folder.
    """
    target = Path(path)
    if target.suffix.lower() not in suffixes:
        raise ValueError(f"Expected a file name that ends in {' or '.join(suffixes)}; got {str(path)!r}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {target}: the folder {target.parent} does not exist.")


def is_unfinished(name: str) -> bool:
    """Whether a file is called like those that `whole` has not finished yet, or never will."""
    return re.fullmatch(r"[.].+[.][0-9a-f]{32}[.]tmp", name, re.DOTALL) is not None


def remove_unfinished(folder: Path) -> None:
    """Removes what a process that was killed left behind, in a folder that nobody else writes into."""
    for path in folder.glob(".*.tmp"):
        if is_unfinished(path.name) and not path.is_dir():
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes the new name as durable as the content; Windows cannot and need not."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
