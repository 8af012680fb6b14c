"""Arrays from npz files, with errors that say which file is damaged."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo._reading import readable


def read_npz(path: Path, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """Reads some arrays of an npz file.

    Args:
        path: the file; it may hold more arrays.
        keys: names of the arrays.

    Returns:
        The arrays by their names.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, no npz, or lacks one of the arrays.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.npz"
        >>> np.savez(path, x=np.arange(3))
        >>> read_npz(path, ["x"])["x"].tolist()
        [0, 1, 2]
    """
    keys = list(keys)
    with readable(path, f".npz file with {' and '.join(keys[:3])}"), np.load(path, allow_pickle=False) as archive:
        return {key: archive[key] for key in keys}
