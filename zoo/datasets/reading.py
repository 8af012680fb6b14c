"""`load(name, split)`: a data set's split from the user's data folder."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from zoo.datasets import fashion_mnist_mini, mnist_rot, planetoid, sheets
from zoo.datasets.preparing import PLACES, find_prepared, read_prepared
from zoo.datasets.roots import chosen_folder, data_folder

Reader = Callable[[Path, str], tuple[Any, ...]]


def _read_graph(name: str, folder: Path, split: str) -> tuple[Any, ...]:
    return planetoid.read(folder, name, split)


def _read_sheets(kind: sheets.Sheets, folder: Path, split: str) -> tuple[Any, ...]:
    return sheets.read(folder, kind, split)


def _read_places(folder: Path, split: str) -> tuple[Any, ...]:
    raise FileNotFoundError(
        f"No prepared {PLACES} in {folder.parent}. Make it from the set of TensorFlow Datasets at a size that fits "
        f"into memory: tfds build places365_small --data_dir DATA, then zoo data prepare {PLACES} --data DATA --out "
        f"{folder.parent} --size 64"
    )


_READERS: dict[str, tuple[str, Reader]] = {
    "fashion_mnist_mini": ("fashion_mnist_mini", fashion_mnist_mini.read),
    "mnist_rot": ("mnist_rot", mnist_rot.read),
    PLACES: (PLACES, _read_places),
    **{name: (planetoid.FOLDER, partial(_read_graph, name)) for name in planetoid.NAMES},
    **{item.name: (item.name, partial(_read_sheets, item)) for item in (sheets.CIFAR10, sheets.SCENE15, sheets.SUN16)},
}
"""The folder of every data set, and the function that reads a split from it."""


def list_datasets() -> list[str]:
    """Names that `load` knows.

    Returns:
        The names in alphabetical order.

    Example:
        >>> list_datasets()
        ['cifar10', 'citeseer', 'cora', 'fashion_mnist_mini', 'mnist_rot', 'places365', 'pubmed', 'scene15', 'sun16']
    """
    return sorted(_READERS)


def load(name: str, split: str, *, data: str | os.PathLike[str] | None = None) -> tuple[Any, ...]:
    """Reads one split of a data set into memory, from its own files or as `zoo.datasets.prepare` wrote it.

    A prepared set is taken first where both are there; the arrays are the same.

    Args:
        name: a name of `list_datasets()`, or of a prepared folder of images; its files lie in the folder
            `<data>/<name>`, those of the citation graphs in `<data>/planetoid`.
        split: `"train"`, `"validation"`, `"train+validation"` or `"test"`; for the citation graphs not both in one,
            but also Geom-GCN's, `"geom-0/train"` to `"geom-9/test"`.
        data: the folder with the data sets; by default the environment variable `ZOO_DATA`.

    Returns:
        Images, uint8 of shape `(N, H, W, C)`, and labels, int64 of shape `(N,)`. For the citation graphs three
        things: the inputs `{"x": float32 (1, N, F), "edges": int32 (1, E, 2)}`, labels int64 `(1, N)`, and weights
        float32 `(1, N)`, 1 for the nodes of the split.

    Raises:
        ValueError: unknown data set or split, no data folder given, or a damaged file.
        FileNotFoundError: the files are not there; says what to put where.

    Example:
        >>> x, y = load("mnist_rot", "validation")  # doctest: +SKIP
        >>> x.shape, y.shape  # doctest: +SKIP
        ((2000, 28, 28, 1), (2000,))
    """
    chosen = chosen_folder(data)
    prepared = find_prepared(name, chosen) if chosen else None
    if prepared:
        return read_prepared(prepared, name, split)
    if name not in _READERS:
        near = difflib.get_close_matches(str(name), _READERS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"Unknown data set {name!r}.{hint} Expected one of: {', '.join(list_datasets())}.")
    folder, read = _READERS[name]
    return read(data_folder(data, folder) / folder, split)
