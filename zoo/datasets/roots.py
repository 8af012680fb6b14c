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
