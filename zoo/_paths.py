"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path:
    """The folder of this user's machine for what zoo can get or make again."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("zoo"))


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with the home folder in place of `~`.

    Args:
        path: as the user wrote it.

    Returns:
        The path.

    Raises:
        ValueError: there is no such home folder, as in a container whose user has none.

    Example:
        >>> expanded("runs/7").name
        '7'
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ValueError(
            f"{os.fspath(path)} cannot be found: there is no such home folder. Write the whole path."
        ) from None
