"""Data sets by name: where their files lie, how they are read, and what cards say of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from zoo import _plugins
from zoo._suggestions import did_you_mean
from zoo.datasets import fashion_mnist_mini, image_arrays, mnist_rot, planetoid, sheets
from zoo.datasets.facts import CLASS_NAMES, FACTS, RESEARCH, SHAREABLE
from zoo.datasets.preparing import PLACES

Reader = Callable[[Any, str], tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """A data set with a name.

    Attributes:
        name: in snake case; recipes, presets and commands have it.
        read: `read(folder, split)` gives the split `"train"`, `"validation"` or `"test"`: images, uint8 of shape
            `(N, H, W, C)`, and labels `(N,)`; other inputs as `zoo.datasets.load` says.
        license: of the data, in words.
        note: what it is, with the numbers of examples, in words.
        classes: names in the order of the labels, or None where nobody names them.
        folder: the folder with its files, below that of all data sets; None for a set that its package carries or
            makes: `read` then gets None.
        shareable: whether examples may be copied into public files.
        research: whether it is for research alone; weights trained on it are, too.

    Raises:
        ValueError: a name that is not in snake case, or a reader that cannot be called.

    Example:
        >>> import numpy as np
        >>> def read(folder, split):
        ...     return np.zeros((4, 8, 8, 1), "uint8"), np.arange(4) % 2
        >>> DataSource(name="squares", read=read, license="CC0-1.0", note="Four squares.").name
        'squares'
    """

    name: str
    read: Reader
    license: str
    note: str
    classes: tuple[str, ...] | None = None
    folder: str | None = None
    shareable: bool = False
    research: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(_plugins.SNAKE_CASE, str(self.name)):
            raise ValueError(f"Expected the name of a data set in snake case; got {self.name!r}.")
        if not callable(self.read):
            raise ValueError(f"Expected read(folder, split) of the data set {self.name!r}; got {self.read!r}.")

    @property
    def facts(self) -> dict[str, str]:
        """Licence and note, as cards have them."""
        return {"license": self.license, "note": self.note}


def find_dataset(name: str) -> DataSource:
    """The data set called `name`.

    Args:
        name: one of `list_datasets()`.

    Returns:
        What is known of it.

    Raises:
        ValueError: there is none of that name; says the nearest one.

    Example:
        >>> find_dataset("mnist_rot").classes[:3]
        ('0', '1', '2')
    """
    known = sources()
    if name not in known:
        hint = did_you_mean(name, known)
        raise ValueError(f"Unknown data set {name!r}.{hint} Expected one of: {', '.join(sorted(known))}.")
    return known[name]


def register_dataset(source: DataSource) -> None:
    """Adds a data set: recipes, `zoo data list`, `zoo.datasets.load` and `zoo evaluate` know it by its name.

    It holds in this process. A package that is installed says the same by an entry point of the group `zoo.datasets`
    that names the `DataSource`.

    Args:
        source: the data set.

    Raises:
        TypeError: something else.
        ValueError: a name that is taken; both owners are said.

    Example:
        >>> import numpy as np, zoo
        >>> def read(folder, split):
        ...     return np.zeros((4, 8, 8, 1), "uint8"), np.arange(4) % 2
        >>> zoo.register_dataset(  # doctest: +SKIP
        ...     zoo.datasets.DataSource(name="squares", read=read, license="CC0-1.0", note="Four squares.")
        ... )
    """
    _add(source.name if isinstance(source, DataSource) else "", source, _plugins.HERE)


def sources() -> dict[str, DataSource]:
    """Every data set by name: zoo's own, those of installed packages, and those of this program."""
    _add_installed()
    return {name: source for name, (source, _) in _known.items()}


def _add(name: str, source: Any, owner: str) -> None:
    if not isinstance(source, DataSource):
        raise TypeError(f"Expected a zoo.datasets.DataSource from {owner}; got {type(source).__name__}.")
    if owner == _plugins.HERE:
        _add_installed()
    known, first = _known.get(source.name, (None, ""))
    if not _plugins.check_same("data sets", source.name, known, source, first, owner):
        _known[source.name] = (source, owner)


@functools.cache
def _add_installed() -> None:
    _plugins.add_installed("zoo.datasets", _add)


def _read_graph(name: str, folder: Path, split: str) -> tuple[Any, ...]:
    return planetoid.read(folder, name, split)


def _read_sheets(kind: sheets.Sheets, folder: Path, split: str) -> tuple[Any, ...]:
    return sheets.read(folder, kind, split)


def _read_places(folder: Path, split: str) -> tuple[Any, ...]:
    raise FileNotFoundError(
        f"No prepared {PLACES} in {folder.parent}. Make it at a size that fits into memory; TensorFlow Datasets gets "
        f"the pictures, about 30 GB: zoo data prepare {PLACES} --data {folder.parent} --size 64"
    )


def _read_arrays(kind: image_arrays.ImageArrays, folder: Path, split: str) -> tuple[Any, ...]:
    return image_arrays.read(folder, kind, split)


_READERS: dict[str, tuple[str, Reader]] = {
    "cifar10": ("cifar10", image_arrays.read_cifar10),
    "fashion_mnist_mini": ("fashion_mnist_mini", fashion_mnist_mini.read),
    "mnist_rot": ("mnist_rot", mnist_rot.read),
    PLACES: (PLACES, _read_places),
    **{name: (planetoid.FOLDER, partial(_read_graph, name)) for name in planetoid.NAMES},
    **{item.name: (item.name, partial(_read_sheets, item)) for item in (sheets.SCENE15, sheets.SUN16)},
    **{
        item.name: (item.name, partial(_read_arrays, item))
        for item in (image_arrays.CIFAR100, image_arrays.FASHION_MNIST)
    },
}
"""The folder of each of our data sets, and the function that reads a split from it."""

_known: dict[str, tuple[DataSource, str]] = {
    name: (
        DataSource(
            name=name,
            read=read,
            **FACTS[name],
            classes=CLASS_NAMES.get(name),
            folder=folder,
            shareable=name in SHAREABLE,
            research=name in RESEARCH,
        ),
        "zoo",
    )
    for name, (folder, read) in _READERS.items()
}
"""Data sets by name, with who brought them."""
