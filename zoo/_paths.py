"""Paths as users write them."""

from __future__ import annotations

import os
import stat
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


PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
"""Endings of images that are known without the package that knows all of them."""


def some_files(folder: Path) -> str:
    """A pattern for images in a folder: where the first one lies, at most two folders deep."""
    for pattern in ("*", "*/*", "*/*/*"):
        found = (file for file in sorted(folder.glob(pattern)) if file.suffix.lower() in PICTURES)
        first = next(found, None)
        if first is not None:
            return f"{first.parent}/*{first.suffix}"
    return f"{folder}/*.png"


def check_image_file(path: Path) -> None:
    """Says in words why a path is no file that could hold an image; its content is not looked at.

    Args:
        path: as it is opened.

    Raises:
        FileNotFoundError: the file does not exist.
        PermissionError: a folder that may not be read.
        ValueError: a folder, a pipe or a device.
    """
    if not path.exists():
        nowhere = f" is a link to {os.readlink(path)}, which does not exist" if path.is_symlink() else ""
        raise FileNotFoundError(f"No such image file: {path}{nowhere}")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise PermissionError(f"The folder {path} may not be read, nor what is in it.")
    if path.is_dir():
        raise ValueError(
            f"Expected an image file; {path} is a folder. List its files, for instance {some_files(path)}."
        )
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"Expected an image file; {path} is a pipe or device.")
