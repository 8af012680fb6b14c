"""What a door is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def plain(data: bytes) -> bytes:
    """The content as it is."""
    return data


@dataclass(frozen=True)
class Door:
    """A way in.

    Attributes:
        samples: sound inputs.
        read: reads one.
        hashed: whether the hash of the sound input is known, so that no altered one may be read.
        refuses: documented errors besides `ValueError`.
        wrap: what comes around an altered input, such as a sound archive.
        passes: whether a damaged input is passed over, so that nothing need be refused.
    """

    samples: tuple[bytes, ...]
    read: Callable[[bytes], object]
    hashed: bool = False
    refuses: tuple[type[Exception], ...] = ()
    wrap: Callable[[bytes], bytes] = plain
    passes: bool = False


def by_file(path: Path, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """Reads a content that is written into a file first; an error has to name the file or its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def written(data: bytes) -> object:
        path.write_bytes(data)
        try:
            return read(path)
        except ValueError as error:
            if any(str(place) in str(error) for place in (path.name, path.parent, path.parents[1])):
                raise
            raise AssertionError(f"does not name {path.name}: {type(error).__name__}: {error}") from error

    return written
