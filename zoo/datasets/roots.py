"""Where the data is."""

from __future__ import annotations

import os
from pathlib import Path

from zoo._paths import expanded


def chosen_folder(data: str | os.PathLike[str] | None) -> Path | None:
    """The folder that was named, by the argument or by the environment variable `ZOO_DATA`, or None."""
    chosen = data if data is not None else os.environ.get("ZOO_DATA")
    return expanded(chosen) if chosen else None


class MissingData(FileNotFoundError):
    """A data set that `prepare` can get is not in the data folder.

    Attributes:
        name: of the set.
        root: the data folder.
    """

    def __init__(self, message: str, name: str, root: Path) -> None:
        super().__init__(message)
        self.name, self.root = name, root


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


def data_folder(data: str | os.PathLike[str] | None, needed: str) -> Path:
    """The folder with the data sets.

    Args:
        data: the folder, or None for the environment variable `ZOO_DATA`.
        needed: name of the folder inside that is wanted, for the error.

    Returns:
        The folder, which exists.

    Raises:
        ValueError: neither names a folder.
        FileNotFoundError: the folder does not exist.
    """
    root = chosen_folder(data)
    if root is None:
        raise ValueError(
            f"Where is the data? Pass data=<folder> (--data on the command line) or set ZOO_DATA to the folder that "
            f"holds {needed}/."
        )
    if not root.is_dir():
        raise FileNotFoundError(f"The data folder {root} does not exist. It should hold {needed}/ with the data files.")
    return root
