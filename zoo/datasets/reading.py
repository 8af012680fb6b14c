"""`load(name, split)`: a data set's split from the user's data folder."""

from __future__ import annotations

import os
from typing import Any

from zoo.datasets import getting, image_arrays
from zoo.datasets.preparing import find_prepared, read_prepared
from zoo.datasets.roots import MissingData, chosen_folder, data_folder
from zoo.datasets.sources import find_dataset, sources


def list_datasets() -> list[str]:
    """Names that `load` knows.

    Returns:
        The names in alphabetical order.

    Example:
        >>> list_datasets()[:5]
        ['cifar10', 'cifar100', 'citeseer', 'cora', 'fashion_mnist']
    """
    return sorted(sources())


def folder_of(name: str) -> str:
    """The folder below that of all data sets in which a set's files lie."""
    return (sources()[name].folder if name in sources() else None) or name


def check_there(name: str, data: str | os.PathLike[str] | None = None) -> None:
    """Raises what `load` raises where there is no folder of a data set."""
    root = chosen_folder(data)
    found = root is not None and ((root / folder_of(name)).is_dir() or find_prepared(name, root) is not None)
    if not found and (name not in sources() or sources()[name].folder is not None):
        load(name, "test", data=data)


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
        FileNotFoundError: the files are not there; says what to put where. It is a `MissingData` where `prepare` gets
            them.

    Example:
        >>> x, y = load("mnist_rot", "validation")  # doctest: +SKIP
        >>> x.shape, y.shape  # doctest: +SKIP
        ((2000, 28, 28, 1), (2000,))
    """
    chosen = chosen_folder(data)
    prepared = find_prepared(name, chosen) if chosen else None
    if prepared:
        return read_prepared(prepared, name, split)
    source = find_dataset(name)
    if source.folder is None:
        return source.read(None, split)
    try:
        return source.read(data_folder(data, source.folder) / source.folder, split)
    except (FileNotFoundError, ValueError) as error:
        if name not in getting.WAYS or split not in image_arrays.SPLITS or (chosen and isinstance(error, ValueError)):
            raise
        text = f"{error}\nThis gets it: {getting.command(name, chosen or 'data')}"
        raise (MissingData(text, name, chosen) if chosen else ValueError(text)) from error
