"""What becomes of the errors of readers on bytes that are not what they should be."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

_OF_BYTES = (None, errno.EINVAL)  # a reader's own errors have no number; EINVAL: a place before the file's start


@contextmanager
def readable(source: object, what: str) -> Iterator[None]:
    """Within it any error means that bytes from elsewhere are not what they should be: one `ValueError` says so.

    Libraries raise errors of a dozen kinds on bytes that they cannot read, and a list of them is never complete. An
    error of the operating system passes: a file that is not there or may not be read is not damaged.

    Args:
        source: the file, for the error.
        what: it should be, for the error.

    Raises:
        ValueError: whatever else was raised within.

    Example:
        >>> with readable("facts.json", "list of facts"):
        ...     int("many")
        Traceback (most recent call last):
        ValueError: facts.json is not a readable list of facts, it is cut short, damaged or of another kind: invalid ...
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in _OF_BYTES:
            raise
        said = first_line(error)[:500]
        raise ValueError(
            f"{source} is not a readable {what}, it is cut short, damaged or of another kind: {said}"
        ) from error


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its class where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
