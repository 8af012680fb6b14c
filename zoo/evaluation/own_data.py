"""What is measured: a split of a data set, or data of one's own."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo._paths import expanded
from zoo._reading import readable
from zoo.datasets.opening import is_set_place
from zoo.datasets.protocol import DataSet, checked_data, is_batches
from zoo.evaluation.graphs import takes_graphs
from zoo.hub import learned

LISTING = "split.csv"
"""The file of a run folder that says which picture was in which split."""
_PARTS = ("test", "validation", "train")


def confusion(labels: Any, answers: Any, classes: int) -> np.ndarray:
    """Counts how often each class was taken for each.

    Args:
        labels: true classes, whole numbers (N,).
        answers: classes answered, (N,).
        classes: how many there are.

    Returns:
        int64 (classes, classes): row is true, column answered.

    Example:
        >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
        [[1, 1], [0, 1]]
    """
    table = np.zeros((classes, classes), np.int64)
    np.add.at(table, (np.asarray(labels), np.asarray(answers)), 1)
    return table


def read_part(
    model: keras.Model,
    data: Any = None,
    *,
    dataset: str | None = None,
    split: str | None = None,
    run: Path | None = None,
) -> tuple[str, str, tuple[Any, ...]]:
    """The arrays to measure a model with.

    Args:
        model: what is measured.
        data: the folder with the data sets or None; or a folder or table of pictures, a graph, arrays `(inputs,
            labels)`, or a data object.
        dataset: a name of `zoo.datasets`; None for the one that the model is registered for, or data of one's own.
        split: which part; None for `test`; of data of one's own that has no such part and that the model learned from,
            for the part that it was chosen by, else for all.
        run: the folder of the model's run.

    Returns:
        What the data is called, what the part is called, and inputs, labels and perhaps weights.

    Raises:
        ValueError: no such data or part, or classes that the model does not have.
        FileNotFoundError: data that is not there.

    Example:
        >>> import zoo
        >>> arrays = np.zeros((2, 28, 28, 1), "uint8"), np.array([0, 1])
        >>> read_part(zoo.build("e4net_mnistrot"), arrays)[:2]
        ('own data', 'all')
    """
    if dataset is None and isinstance(data, str) and data in datasets.list_datasets():
        dataset, data = data, None
    origin = hub.find_origin(model)
    found = learned.learned_by(origin) if run is None else learned.learned_from(run)
    own = found if isinstance(found, hub.OwnData) else None
    preset = getattr(origin, "preset", None)
    usual: str | None = None
    if isinstance(found, str) and found in datasets.list_datasets():
        usual = found
    elif own is None and preset is not None:
        usual = hub.find_preset(preset).dataset
    if own is not None and data is None and dataset is None:
        raise ValueError(own.ask)
    if (own or run) and isinstance(data, str | os.PathLike) and not expanded(data).exists():
        wanted = f"Expected the pictures, table or graph to measure {run} with, or the folder of the data sets."
        raise FileNotFoundError(f"There is no {os.fspath(data)}. {own.ask if own else wanted}")
    known = dataset or usual
    if dataset is not None or is_set_place(data, known):
        part = split or "test"
        return str(known), part, tuple(datasets.load(str(known), part, data=data))
    if data is None:
        raise ValueError(
            f"Which data set? {model.name!r} is no registered model: say data=<a folder of pictures or arrays>, or "
            "dataset=<name of zoo.datasets>."
        )
    name = str(data) if isinstance(data, str | os.PathLike) else "own data"
    return name, *_own_part(model, data, split, run)


def _own_part(model: keras.Model, data: Any, split: str | None, run: Path | None) -> tuple[str, tuple[Any, ...]]:
    origin = hub.find_origin(model)
    if origin is None:
        raise ValueError(
            f"Which data set? {model.name!r} does not name its classes: say dataset=<name of zoo.datasets>, or train "
            "it by zoo.train or zoo.finetune, whose runs know them."
        )
    labels = origin.labels
    if isinstance(data, tuple | list) and len(data) in (2, 3) and not isinstance(data[0], tuple | list):
        kind = "graphs" if takes_graphs(model) else "arrays"
        return "all", checked_data(DataSet(train=data, validation=data, classes=labels, kind=kind)).train
    if isinstance(data, str | os.PathLike) and not takes_graphs(model):
        shape = tuple(model.input_shape[1:])
        found = datasets.open_pictures(data, shape=shape, labels=labels, measured=True)
        return _pictures_part(found, split, run)
    found = datasets.open_data(data, labels=labels)
    if found.classes is not None and tuple(found.classes) != tuple(labels):
        raise ValueError(
            f"The data's classes are not the model's: {', '.join(found.classes[:10])} in place of "
            f"{', '.join(labels[:10])}."
        )
    return _chosen(found, split)


def _pictures_part(found: DataSet, split: str | None, run: Path | None) -> tuple[str, tuple[Any, ...]]:
    """A split as the folder has it, or as the run has drawn it and written it down."""
    if any(part != "test" for _, _, part in found.listing):
        return _chosen(found, split)
    drawn = _drawn(run)
    parts = np.array([drawn.get((path, label), "") for path, label, _ in found.listing])
    if not (parts != "").any():
        if split not in (None, "all", "test"):
            raise ValueError(f"The data has no split {split!r}: leave it out to measure all of it.")
        return "all", found.test
    name = split or next(part for part in _PARTS if (parts == part).any())
    chosen = np.ones(len(parts), bool) if name == "all" else parts == name
    if not chosen.any():
        raise ValueError(
            f"No picture of the split {name!r}; the run has {', '.join(sorted(set(parts) - {''}))} and all."
        )
    return name, tuple(array[chosen] for array in found.test)


def _chosen(data: DataSet, split: str | None) -> tuple[str, tuple[Any, ...]]:
    there = {part: getattr(data, part) for part in _PARTS}
    there = {part: arrays for part, arrays in there.items() if arrays is not None and _is_full(arrays)}
    name = split or next(iter(there), "test")
    if name not in there:
        raise ValueError(f"The data has no split {name!r} as arrays; it has {', '.join(there) or 'none'}.")
    return name, there[name]


def _is_full(split: Any) -> bool:
    return not is_batches(split) and len(split[1]) > 0


def _drawn(run: Path | None) -> dict[tuple[str, str], str]:
    """The splits that a run has written down, by path and class."""
    if run is None or not (run / LISTING).is_file():
        return {}
    path = run / LISTING
    with (
        readable(path, "list of pictures and their splits"),
        path.open(newline="", encoding="utf-8", errors="surrogateescape") as file,  # names that are no UTF-8
    ):
        return {(row["path"], row["label"]): row["split"] for row in csv.DictReader(file)}
