"""All files below a folder, through links, with what is broken among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """A file below a folder.

    Attributes:
        path: relative to the folder, with forward slashes.
        broken: a link that leads nowhere, or a folder that may not be listed.
    """

    path: str
    broken: bool = False

    @property
    def suffix(self) -> str:
        """The end of the name, in lower case."""
        return os.path.splitext(self.path)[1].lower()


def walk(root: Path) -> Iterator[Entry]:
    """The files of a folder at any depth, in alphabetical order folder by folder.

    Links to files and folders are followed, but for a link to a folder that holds the link, which would never end.
    Hidden files and folders are passed over.

    Args:
        root: the folder.

    Yields:
        Files, links that lead nowhere, and folders that may not be listed; other folders do not appear.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a").mkdir()
        >>> (folder / "a" / "self").symlink_to(folder)
        >>> (folder / "a" / "b.txt").write_text("hello"), (folder / "gone").symlink_to("nowhere")
        (5, None)
        >>> list(walk(folder))
        [Entry(path='a/b.txt', broken=False), Entry(path='gone', broken=True)]
    """
    yield from _walk(str(root), "", frozenset())


def _walk(folder: str, inner: str, above: frozenset[str]) -> Iterator[Entry]:
    place = os.path.realpath(folder)
    if place in above:
        return
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        yield Entry(inner, broken=True)
        return
    for entry in entries:
        name = f"{inner}/{entry.name}" if inner else entry.name
        if entry.name.startswith("."):
            continue
        if os.path.isdir(entry.path):  # False for a link to itself, of which entry.is_dir() makes an error
            yield from _walk(entry.path, name, above | {place})
        else:
            yield Entry(name, broken=entry.is_symlink() and not os.path.exists(entry.path))
