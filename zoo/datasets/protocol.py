"""What training takes as data: any object with `train`, `validation`, `classes` and `kind`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

KINDS = ("images", "graphs", "arrays")
"""What inputs may be: images with raw values 0..255, graphs `{"x", "edges"}`, or any other array."""


@runtime_checkable
class Data(Protocol):
    """What `zoo.train` reads of a data object.

    A split is one of

    - arrays: `(inputs, labels)` or `(inputs, labels, weights)`, whose order is drawn anew in each epoch;
    - a `keras.utils.PyDataset` or a `tf.data.Dataset` of known length that gives batches of these;
    - for `train` a function of the epoch's number, from 0, that returns one of those: then each epoch may be another
      one, and a run that goes on sees what it would have seen.

    Attributes:
        train: the split to learn from.
        validation: the split that is measured after each epoch.
        classes: names of the classes in the order of the labels, or None.
        kind: one of `KINDS`.
    """

    train: Any
    validation: Any
    classes: Sequence[str] | None
    kind: str


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet:
    """Splits with class names: the plainest `Data`.

    Attributes:
        train: as in `Data`.
        validation: as in `Data`.
        classes: names in the order of the labels, or None.
        kind: one of `KINDS`.
        test: a split to measure at the end, or None.
        listing: for files: rows (path, class, split); a run folder keeps them as `split.csv`.
        name: what it is called in cards: the last part of a folder's or file's path, or None.

    Example:
        >>> x, y = np.zeros((6, 8, 8, 1), "uint8"), np.arange(6) % 2
        >>> DataSet(train=(x[:4], y[:4]), validation=(x[4:], y[4:]), classes=("cat", "dog")).kind
        'images'
    """

    train: Any
    validation: Any
    classes: Sequence[str] | None = None
    kind: str = "images"
    test: Any = None
    listing: Sequence[tuple[str, str, str]] = ()
    name: str | None = None


def is_data(value: Any) -> bool:
    """Whether a value has what `Data` has."""
    return not isinstance(value, type) and all(hasattr(value, n) for n in ("train", "validation", "classes", "kind"))


def is_batches(split: Any) -> bool:
    """Whether a split gives batches itself: a `PyDataset`, a `tf.data.Dataset`, or a function of the epoch."""
    if isinstance(split, tuple | list | Mapping | np.ndarray):
        return False
    return callable(getattr(split, "__getitem__", None)) or hasattr(split, "cardinality") or callable(split)


def checked_data(data: Any) -> DataSet:
    """Any `Data` as a `DataSet` whose arrays and names are in order.

    Args:
        data: has `train`, `validation`, `classes` and `kind`.

    Returns:
        Arrays as NumPy arrays, whole labels as int64, names without blanks around them.

    Raises:
        ValueError: an unknown kind, fewer than two classes, names that stand twice, splits of another form, labels
            that are no classes, or arrays whose lengths differ.

    Example:
        >>> x = np.zeros((4, 3), "float32")
        >>> data = DataSet(train=(x, [0, 1, 2, 0]), validation=(x, [0, 0, 1, 1]), kind="arrays")
        >>> checked_data(data).train[1].dtype.name
        'int64'
    """
    if data.kind not in KINDS:
        raise ValueError(f"Expected the data's kind to be one of {', '.join(KINDS)}; got {data.kind!r}.")
    classes = None if data.classes is None else class_names(data.classes)
    parts = {name: getattr(data, name, None) for name in ("train", "validation", "test")}
    for name in ("train", "validation"):
        if parts[name] is None:
            raise ValueError(
                f"The data has no {name} split: expected (inputs, labels), a PyDataset or a tf.data.Dataset."
            )
    made = {name: _split(name, part, classes, data.kind) for name, part in parts.items() if part is not None}
    rows = tuple(getattr(data, "listing", ()))
    called = getattr(data, "name", None)
    called = called if isinstance(called, str) else None
    return DataSet(classes=classes, kind=data.kind, listing=rows, name=called, **{"test": None} | made)


def class_names(names: Any) -> tuple[str, ...]:
    """Names of classes, each of them once.

    Raises:
        ValueError: fewer than two, empty ones, two that differ in case or blanks alone, or one that is no text, as the
            name of a folder may be.

    Example:
        >>> class_names(["cat", "dog "])
        ('cat', 'dog')
    """
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"Expected the names of the classes as a list of words; got {names!r}.")
    found = tuple(name.strip() for name in names)
    if len(found) < 2:
        raise ValueError(f"Expected at least two classes; got {', '.join(map(repr, found)) or 'none'}.")
    if "" in found:
        raise ValueError(f"Expected a name for each class; got {found}.")
    odd = [name for name in found if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name)]
    if odd:
        raise ValueError(f"Expected names of classes in UTF-8; got {odd[0]!r}: give it another one.")
    first: dict[str, str] = {}
    for name in names:
        same = first.setdefault(name.strip().casefold(), name)
        if same is not name:
            raise ValueError(
                f"Two classes have one name: {same!r} and {name!r}. Make them one, or give them names that differ in "
                "more than case and blanks."
            )
    return found


def data_facts(data: DataSet) -> dict[str, Any]:
    """What data is, for the record of a run: kind, classes, sizes, and a hash of the arrays."""
    facts: dict[str, Any] = {"kind": data.kind, "classes": None if data.classes is None else list(data.classes)}
    digest = hashlib.sha256()
    for name in ("train", "validation"):
        split = getattr(data, name)
        facts[name] = None if is_batches(split) else len(split[1])
        for array in [] if is_batches(split) else _leaves(split):
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
    return facts | {"sha256": digest.hexdigest()}


def _leaves(split: tuple[Any, ...]) -> list[np.ndarray]:
    inputs, *rest = split
    return [*(inputs.values() if isinstance(inputs, dict) else [inputs]), *rest]


def _split(name: str, split: Any, classes: tuple[str, ...] | None, kind: str) -> Any:
    if is_batches(split):
        if callable(split) and not hasattr(split, "cardinality") and name != "train" and not _has_items(split):
            raise ValueError(f"Only train may be a function of the epoch; {name} is one.")
        return split
    if not isinstance(split, tuple | list) or len(split) not in (2, 3):
        raise ValueError(
            f"Expected {name} as (inputs, labels), (inputs, labels, weights), a PyDataset or a tf.data.Dataset; got "
            f"{type(split).__name__}."
        )
    inputs = {key: np.asarray(value) for key, value in split[0].items()} if isinstance(split[0], Mapping) else None
    x = inputs if inputs is not None else np.asarray(split[0])
    labels = _labels(name, np.asarray(split[1]), classes, mask=None if len(split) == 2 else np.asarray(split[2]) > 0)
    weights = [np.asarray(part, "float32") for part in split[2:]]
    arrays = (x, labels, *weights)
    _check_lengths(name, arrays)
    if any(not np.isfinite(part).all() or part.min(initial=0) < 0 for part in weights):
        raise ValueError(f"Expected weights of the labels of {name} that are finite and not below 0.")
    _check_kind(name, x, kind)
    return arrays


def _has_items(split: Any) -> bool:
    return callable(getattr(split, "__getitem__", None))


def _labels(name: str, labels: np.ndarray, classes: tuple[str, ...] | None, mask: np.ndarray | None) -> np.ndarray:
    """Labels as class numbers, or as they are where they are probabilities."""
    if labels.dtype.kind == "f" and labels.ndim >= 2 and (classes is None or labels.shape[-1] == len(classes)):
        if not np.isfinite(labels).all():
            raise ValueError(f"The labels of {name} are probabilities and hold NaN or infinite values.")
        return labels.astype("float32")
    if labels.dtype.kind not in "iu":
        raise ValueError(
            f"Expected the labels of {name} as whole numbers, 0 for the first class; got {labels.dtype} {labels.shape}."
        )
    counted = labels if mask is None else labels[np.broadcast_to(mask, labels.shape)]
    if not counted.size:
        raise ValueError(f"There are no labels in {name}.")
    low, high = int(counted.min()), int(counted.max())
    if low < 0 or (classes is not None and high >= len(classes)):
        names = "" if classes is None else f" for the {len(classes)} classes {', '.join(classes[:6])}"
        raise ValueError(f"Expected the labels of {name} from 0 up{names}; got {low} to {high}.")
    return labels.astype("int64")


def _check_lengths(name: str, arrays: tuple[Any, ...]) -> None:
    leaves = _leaves(arrays)
    lengths = {len(array) if array.ndim else 0 for array in leaves}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(
            f"Expected inputs and labels of {name} with one length, at least 1; got shapes "
            f"{', '.join(str(array.shape) for array in leaves)}."
        )


def _check_kind(name: str, inputs: Any, kind: str) -> None:
    if kind == "graphs" and not (isinstance(inputs, dict) and set(inputs) == {"x", "edges"}):
        raise ValueError(f"Expected graphs in {name}, {{'x': features, 'edges': pairs}}; got {type(inputs).__name__}.")
    if kind == "images" and (isinstance(inputs, dict) or inputs.ndim != 4 or inputs.dtype.kind not in "uif"):
        shape = "a dictionary" if isinstance(inputs, dict) else f"{inputs.dtype} {inputs.shape}"
        raise ValueError(f"Expected images in {name}, shape (N, height, width, channels); got {shape}.")
    for array in inputs.values() if isinstance(inputs, dict) else [inputs]:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"The inputs of {name} hold NaN or infinite values.")
        if array.dtype.kind not in "biuf":
            raise ValueError(f"Expected numbers as inputs of {name}; got {array.dtype}.")


def with_splits(data: DataSet, **splits: Any) -> DataSet:
    """The data with other splits."""
    return replace(data, **splits)
