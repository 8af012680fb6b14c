"""From what a user gives as `data=` to a data object."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo._paths import expanded
from zoo.datasets.folders import check_classes
from zoo.datasets.own_graphs import is_graph, open_graph
from zoo.datasets.pictures import TABLES, list_pictures, open_pictures, split_folders
from zoo.datasets.preparing import find_prepared
from zoo.datasets.protocol import DataSet, checked_data, is_batches, is_data, with_splits
from zoo.datasets.reading import check_there, folder_of, list_datasets
from zoo.datasets.sources import sources
from zoo.datasets.splitting import SHARE, stratified

_FORMS = (
    "the name of a data set, a folder of pictures, a CSV or Parquet file, an .npz graph, arrays (inputs, labels) or "
    "((inputs, labels), (inputs, labels)) to train and validate, or an object with train, validation, classes and kind"
)


def open_data(
    data: Any,
    *,
    shape: tuple[int | None, ...] | None = None,
    share: float = SHARE,
    seed: int = 0,
    unreadable: str = "stop",
    classes: Iterable[str] | None = None,
    labels: Iterable[str] | None = None,
    kind: str | None = None,
) -> DataSet:
    """Turns whatever stands for data into a data object.

    Args:
        data: the name of a data set (its files are sought in `ZOO_DATA`), a folder or table of pictures, a graph with
            labelled nodes, arrays, batches, or an object with `train`, `validation`, `classes` and `kind`.
        shape: of the pictures the model takes, `(height, width, channels)`; needed for folders and tables.
        share: part of each class that is set aside as validation where no split is given; a fifth by default.
        seed: by which that part is drawn.
        unreadable: what to do about pictures that cannot be read: `"stop"` or `"skip"`.
        classes: names of classes in the order of the labels, where the data says none.
        labels: names that a model has already: pictures of just these classes keep their order.
        kind: of arrays and batches; None finds it by their shape.

    Returns:
        The data, checked.

    Raises:
        FileNotFoundError: a file or folder that is not there.
        ValueError: data that cannot be meant; says what was expected.
        TypeError: an object of another kind.

    Example:
        >>> x, y = np.zeros((10, 8, 8, 1), "uint8"), np.arange(10) % 2
        >>> data = open_data((x, y))
        >>> len(data.train[1]), len(data.validation[1]), data.kind
        (8, 2, 'images')
    """
    rules: dict[str, Any] = {"share": share, "seed": seed}
    if is_data(data):
        return checked_data(data)
    if is_graph(data):
        return with_splits(checked_data(open_graph(data, **rules)), name=_name(data))
    if isinstance(data, str | os.PathLike):
        if isinstance(data, str) and data in list_datasets():
            return read_dataset(data)
        found = _open_path(Path(data), shape, labels=labels, unreadable=unreadable, **rules)
        return with_splits(checked_data(found), name=_name(data))
    if isinstance(data, tuple | list):
        return checked_data(_open_arrays(data, classes, kind, **rules))
    if is_batches(data):
        raise ValueError(
            f"A {type(data).__name__} alone is no data to train on: which part shall be measured after each epoch? "
            "Pass (training batches, validation batches), or zoo.datasets.DataSet(train=..., validation=...)."
        )
    raise TypeError(f"Expected data as {_FORMS}; got {type(data).__name__}.")


def read_dataset(name: str, *, data: str | os.PathLike[str] | None = None) -> DataSet:
    """A data set of `zoo.datasets` as a data object.

    Args:
        name: of `list_datasets()`, or of a prepared folder.
        data: the folder with the data sets; by default the environment variable `ZOO_DATA`.

    Returns:
        The splits in memory.

    Raises:
        ValueError: unknown data set, or no data folder given.
        FileNotFoundError: the files are not there.
    """
    from zoo import datasets  # its `load`, which a program may replace

    train, validation = (tuple(datasets.load(name, split, data=data)) for split in ("train", "validation"))
    kind = "graphs" if isinstance(train[0], Mapping) else "images"
    classes = sources()[name].classes if name in sources() else None
    return DataSet(train=train, validation=validation, classes=classes, kind=kind, name=name)


def check_place(data: Any, dataset: str | None = None, *, own: bool = True) -> None:
    """Looks whether data is where it is said to be, and opens no file of it.

    Args:
        data: as `zoo.train`, `zoo.finetune` and `zoo.evaluate` take it; anything but names and paths is passed over.
        dataset: name of the data set that is meant where `data` is None or the folder of the data sets.
        own: False where `data` can be nothing but that folder.

    Raises:
        ValueError: unknown data set, no data folder given, or a folder of one's own without a sub-folder, or with one
            that holds no image.
        FileNotFoundError: it is not there; a `MissingData` where `prepare` gets it.

    Example:
        >>> check_place((np.zeros((1, 8, 8, 1)), np.zeros(1)))
        >>> import pathlib, tempfile
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> (folder / "cat").mkdir()
        >>> (folder / "cat" / "1.png").touch()
        >>> check_place(folder)
    """
    if isinstance(data, str) and data in list_datasets():
        data, dataset = None, data
    if (not own and dataset is not None) or is_set_place(data, dataset):
        check_there(str(dataset), data)
    elif isinstance(data, str | os.PathLike):
        if not expanded(data).exists():
            raise FileNotFoundError(f"No such folder or file: {data}. Expected data as {_FORMS}.")
        if expanded(data).is_dir():
            for folder in split_folders(expanded(data)).values():
                check_classes(folder)
        elif expanded(data).suffix.lower() not in TABLES and not is_graph(data):
            list_pictures(data)  # which says what was expected


def is_root(path: str | os.PathLike[str], name: str | None) -> bool:
    """Whether a folder holds data sets, that of this name among them, as `ZOO_DATA` does.

    Args:
        path: of a folder.
        name: of a data set; None is in no folder.

    Returns:
        True where the data set's own folder or its prepared form is in there.
    """
    root = expanded(path)
    if name is None or not root.is_dir():
        return False
    return (root / folder_of(name)).is_dir() or find_prepared(name, root) is not None


def is_set_place(data: Any, name: str | None) -> bool:
    """Whether data is the place of a known data set, and not data of one's own.

    Args:
        data: as it is given to `zoo.train` or `zoo.evaluate`.
        name: of the data set that is meant where nothing else is said, or None.

    Returns:
        True for None, for the name itself, for a folder that holds the set, and for a path with nothing in it that
        could be data: reading the set then says which files are missing.
    """
    if name is None or data is None:
        return name is not None
    if not isinstance(data, str | os.PathLike) or (isinstance(data, str) and data in list_datasets()):
        return isinstance(data, str) and data == name
    path = expanded(data)
    folders = path.is_dir() and any(entry.is_dir() for entry in path.iterdir())
    # Where another set lies, this one belongs, too: no class is called like a data set.
    return any(is_root(data, known) for known in (name, *list_datasets())) or not (path.is_file() or folders)


def _name(data: Any) -> str | None:
    """The last part of a path, which says nothing of the machine."""
    return expanded(data).absolute().name or None if isinstance(data, str | os.PathLike) else None


def _open_path(path: Path, shape: Any, **rules: Any) -> DataSet:
    root = expanded(path)
    there = root.exists() or root.suffix.lower() in TABLES  # what is missing is said below, in its own words
    if there and (shape is None or len(shape) != 3):
        takes = "no pictures" if shape is None else f"inputs of shape {tuple(shape)}"
        raise ValueError(
            f"Folders and tables are read as pictures, and this model takes {takes}; got {path}. A graph is given as "
            "an .npz file with x, edges and labels: numpy.savez('graph.npz', x=x, edges=edges, labels=labels)."
        )
    if root.suffix.lower() not in TABLES:
        check_place(path)
    return open_pictures(root, shape=shape, **rules)


def _open_arrays(data: Any, classes: Any, kind: str | None, share: float, seed: int) -> DataSet:
    if len(data) == 2 and all(isinstance(part, tuple | list) or is_batches(part) for part in data):
        train, validation = data
    else:
        train, validation = _cut(data, share, seed)
    inputs = None if is_batches(train) else train[0]
    found = "graphs" if isinstance(inputs, Mapping) and set(inputs) == {"x", "edges"} else "arrays"
    if inputs is not None and not isinstance(inputs, Mapping) and np.ndim(inputs) == 4:
        found = "images"
    names = None if classes is None else tuple(classes)
    return DataSet(train=train, validation=validation, classes=names, kind=kind or found)


def _cut(data: Any, share: float, seed: int) -> tuple[Any, Any]:
    """Arrays in two parts, a share of each class in the second."""
    if len(data) not in (2, 3) or isinstance(data[0], Mapping):
        raise ValueError(f"Expected data as {_FORMS}; got {type(data).__name__} of {len(data)}.")
    arrays = [np.asarray(part) for part in data]
    if len({len(array) if array.ndim else 0 for array in arrays}) != 1 or arrays[1].ndim != 1:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"Expected inputs and labels (N,) of one length; got shapes {shapes}.")
    chosen = stratified(arrays[1], share=share, seed=seed)
    return tuple(array[~chosen] for array in arrays), tuple(array[chosen] for array in arrays)
