"""`load(name, split)`: a data set's split from the user's data folder."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.datasets import mnist_rot

_READERS: dict[str, Callable[[Path, str], tuple[np.ndarray, np.ndarray]]] = {"mnist_rot": mnist_rot.read}


def list_datasets() -> list[str]:
    """Names that `load` knows.

    Returns:
        The names in alphabetical order.

    Example:
        >>> list_datasets()
        ['mnist_rot']
    """
    return sorted(_READERS)


def load(name: str, split: str, *, data: str | os.PathLike[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Reads one split of a data set into memory.

    Args:
        name: a name of `list_datasets()`; its files lie in the folder `<data>/<name>`.
        split: `"train"`, `"validation"`, `"train+validation"` or `"test"`.
        data: the folder with the data sets; by default the environment variable `ZOO_DATA`.

    Returns:
        Images, uint8 of shape `(N, H, W, C)`, and labels, int64 of shape `(N,)`.

    Raises:
        ValueError: unknown data set or split, no data folder given, or a damaged file.
        FileNotFoundError: the files are not there; says what to put where.

    Example:
        >>> x, y = load("mnist_rot", "validation")  # doctest: +SKIP
        >>> x.shape, y.shape  # doctest: +SKIP
        ((2000, 28, 28, 1), (2000,))
    """
    if name not in _READERS:
        near = difflib.get_close_matches(str(name), _READERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"Unknown data set {name!r}.{hint} Expected one of: {', '.join(list_datasets())}.")
    return _READERS[name](_root(name, data) / name, split)


def _root(name: str, data: str | os.PathLike[str] | None) -> Path:
    chosen = data if data is not None else os.environ.get("ZOO_DATA")
    if not chosen:
        raise ValueError(
            f"Where is the data? Pass data=<folder> (--data on the command line) or set ZOO_DATA to the folder that "
            f"holds {name}/."
        )
    root = Path(chosen).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(f"The data folder {root} does not exist. It should hold {name}/ with the data files.")
    return root
