"""Pictures of one's own with a class each: folders, CSV and Parquet files."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo._paths import expanded
from zoo._reading import readable
from zoo.datasets.folders import list_folder
from zoo.datasets.images import PathLike, fixed_shape, read_each
from zoo.datasets.protocol import DataSet, class_names
from zoo.datasets.splitting import SHARE, stratified

TABLES = (".csv", ".parquet")
"""How the names of tables of pictures end."""
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
}
"""What people call the splits."""
_PATHS = ("path", "file", "filename", "image", "image_path")
_LABELS = ("label", "class", "category")
_SHOWN = 10


@dataclass(frozen=True)
class Picture:
    """A file, the name of its class, and its split if that is given."""

    path: Path
    label: str
    split: str | None = None


def open_pictures(
    source: PathLike,
    *,
    shape: tuple[int | None, ...],
    share: float = SHARE,
    seed: int = 0,
    unreadable: str = "stop",
    labels: Iterable[str] | None = None,
    measured: bool = False,
) -> DataSet:
    """Reads pictures of one's own into memory, each fitted to a model's size as `zoo.predict` fits it.

    Args:
        source: a folder `<class>/<picture>`; a folder with `train`, `val` (or `validation`) and perhaps `test` of this
            layout; or a CSV or Parquet file with the columns `path` (from the table's folder on) and `label`, perhaps
            `split`.
        shape: the model's `(height, width, channels)`.
        share: part of each class that is set aside as validation where no split is given; a fifth by default.
        seed: by which that part is drawn.
        unreadable: `"stop"` makes unreadable pictures an error that lists them, `"skip"` leaves them out and says so.
        labels: names that a model has already; pictures of just these classes keep their order, others have the
            alphabetical one.
        measured: True for pictures to measure a trained model with: all of them are of its classes, and those without
            a split are the test split.

    Returns:
        The data; its `listing` says which file is in which split.

    Raises:
        FileNotFoundError: no such folder, table or picture.
        ValueError: no classes, one class, an empty class, two classes with one name, a class without training
            pictures, classes that a measured model does not have, or unreadable pictures.

    Example:
        >>> import pathlib, tempfile
        >>> from PIL import Image
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("cat", "dog"):
        ...     (folder / name).mkdir()
        ...     for number in range(5):
        ...         Image.new("RGB", (40, 30), "white").save(folder / name / f"{number}.png")
        >>> data = open_pictures(folder, shape=(24, 24, 3))
        >>> data.train[0].shape, data.validation[0].shape, data.classes
        ((8, 24, 24, 3), (2, 24, 24, 3), ('cat', 'dog'))
    """
    if unreadable not in ("stop", "skip"):
        raise ValueError(f"Expected unreadable to be 'stop' or 'skip'; got {unreadable!r}.")
    root = expanded(source)
    found = list_pictures(root)
    names = _classes(found, None if labels is None else tuple(labels), root, measured)
    images, kept = _read(found, fixed_shape(shape), unreadable, root)
    found = [picture for picture, readable in zip(found, kept, strict=True) if readable]
    numbers = np.array([names.index(picture.label.strip()) for picture in found], "int64")
    splits = _splits(found, numbers, names, share, seed, measured)
    parts = {name: (images[splits == name], numbers[splits == name]) for name in ("train", "validation", "test")}
    base = root if root.is_dir() else root.parent
    listing = [(_below(p.path, base), p.label.strip(), str(s)) for p, s in zip(found, splits, strict=True)]
    return DataSet(
        train=parts["train"],
        validation=parts["validation"],
        test=parts["test"] if len(parts["test"][1]) else None,
        classes=names,
        listing=tuple(listing),
    )


def list_pictures(source: PathLike) -> list[Picture]:
    """The pictures of a folder or table, unread.

    Args:
        source: as for `open_pictures`.

    Returns:
        Pictures in alphabetical order of folders, or in the order of the table.

    Raises:
        FileNotFoundError: nothing of that name, or pictures of a table that are not there.
        ValueError: no classes, an empty class, a table without the columns, or a picture that stands there twice.
    """
    root = expanded(source)
    if root.suffix.lower() in TABLES and not root.is_dir():
        return _list_table(root)
    if root.is_file():
        raise ValueError(f"Expected a folder of pictures, or a table ending in {' or '.join(TABLES)}; got {root}.")
    folders = split_folders(root)
    return [
        Picture(file, name, split) for split, folder in folders.items() for name, group in list_folder(folder).items()
        for file in group
    ]  # fmt: skip


def split_folders(root: Path) -> dict[str | None, Path]:
    """The folders of the splits inside a folder; the folder itself, with None, where it has no splits.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: two folders for one split, a split without `train`, or folders beside those of splits.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"No such folder: {root}. Expected one with a sub-folder of pictures for each class.")
    inside = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    known = [entry for entry in inside if entry.name.lower() in SPLITS]
    if not known or "train" not in {SPLITS[entry.name.lower()] for entry in known}:
        return {None: root}
    if len(known) != len(inside):
        others = ", ".join(entry.name for entry in inside if entry not in known)
        raise ValueError(f"{root} holds folders of splits, {known[0].name} for example, and besides: {others}.")
    found: dict[str | None, Path] = {}
    for entry in known:
        if found.setdefault(SPLITS[entry.name.lower()], entry) != entry:
            raise ValueError(f"{root} has two folders for {SPLITS[entry.name.lower()]}: make them one.")
    return found


def _list_table(path: Path) -> list[Picture]:
    if not path.is_file():
        raise FileNotFoundError(f"No such table: {path}.")
    rows = _read_csv(path) if path.suffix.lower() == ".csv" else _read_parquet(path)
    if not rows:
        raise ValueError(f"{path} has no rows.")
    file, label = (_column(path, rows[0], names) for names in (_PATHS, _LABELS))
    pictures = []
    for number, row in enumerate(rows, 2):
        if row.get(file) in (None, "") or row.get(label) in (None, ""):
            raise ValueError(f"{path}, row {number}: expected a path and a label; got {row}.")
        split = row.get("split") or None
        if split is not None and str(split).lower() not in SPLITS:
            raise ValueError(f"{path}, row {number}: expected a split of {', '.join(SPLITS)}; got {split!r}.")
        place = path.parent / expanded(str(row[file]))
        pictures.append(Picture(place, str(row[label]), SPLITS[str(split).lower()] if split else None))
    _check_table(path, pictures)
    return pictures


def _check_table(path: Path, pictures: list[Picture]) -> None:
    missing = [str(picture.path) for picture in pictures if not _is_there(picture.path)]
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} of {len(pictures)} pictures in {path} are not there:\n{_some(missing)}"
        )
    seen: set[Path] = set()
    for picture in pictures:
        if picture.path in seen:
            raise ValueError(f"{path} lists {picture.path} twice.")
        seen.add(picture.path)
    given = [picture.split for picture in pictures]
    if None in given and any(given):
        raise ValueError(f"{path} gives some rows a split and others none: give all of them one, or leave it out.")


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have, as it is too long
        return False


def _read_csv(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no CSV table in UTF-8: {error}") from None
    wide = [number for number, row in enumerate(rows, 2) if None in row or None in row.values()]
    if wide:
        raise ValueError(f"{path}, row {wide[0]}: another number of columns than in the first line.")
    return rows


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise ImportError('Reading Parquet needs pyarrow: pip install "zoo[batch]"') from error
    with readable(path, "Parquet file"):
        return parquet.read_table(path).to_pylist()


def _column(path: Path, row: dict[str, Any], names: tuple[str, ...]) -> str:
    found = [name for name in row if name and name.strip().lower() in names]
    if len(found) != 1:
        raise ValueError(
            f"Expected one column of {path} to be called {' or '.join(names)}; its columns are "
            f"{', '.join(map(str, row))}."
        )
    return found[0]


def _classes(pictures: list[Picture], known: tuple[str, ...] | None, root: Path, measured: bool) -> tuple[str, ...]:
    """The names of the classes, in the order of their numbers."""
    there = sorted({picture.label for picture in pictures})
    if known is None or not measured:
        names = class_names(there)
        return known if known is not None and set(names) == set(known) else names
    unknown = [label for label in there if label.strip() not in known]
    if unknown:
        raise ValueError(
            f"The classes of {root} are not the model's: {', '.join(unknown[:_SHOWN])} not among "
            f"{', '.join(known[:20])}."
        )
    return known


def _read(
    pictures: list[Picture], shape: tuple[int, int, int], unreadable: str, root: Path
) -> tuple[np.ndarray, list[bool]]:
    images, faults = read_each([picture.path for picture in pictures], shape)
    broken = {index: fault for index, fault in enumerate(faults) if fault is not None}
    if broken:
        text = f"{len(broken)} of {len(pictures)} pictures in {root} cannot be read"
        listed = _some(list(broken.values()))
        if unreadable == "stop":
            raise ValueError(
                f"{text}; repair or remove them, or choose unreadable='skip' (--unreadable skip):\n{listed}"
            )
        warnings.warn(f"{text} and are left out:\n{listed}", stacklevel=3)
    kept = [index not in broken for index in range(len(pictures))]
    emptied = sorted({p.label for p in pictures} - {p.label for p, fine in zip(pictures, kept, strict=True) if fine})
    if emptied:
        raise ValueError(f"No picture that can be read is left in: {', '.join(emptied)}.")
    return images[kept], kept


def _splits(
    pictures: list[Picture], labels: np.ndarray, names: tuple[str, ...], share: float, seed: int, measured: bool
) -> np.ndarray:
    """The split of each picture: the given one, else training with a share of each class set aside."""
    given = np.array([picture.split or "" for picture in pictures], "U10")  # as long as the longest name
    if measured:
        return np.where(given == "", "test", given)  # measured alone: nothing is set aside
    if not any(given):
        return np.where(stratified(labels, share=share, seed=seed, names=names), "validation", "train")
    missing = sorted(set(range(len(names))) - set(labels[given == "train"].tolist()))
    if missing:
        raise ValueError(f"No training pictures of: {', '.join(names[index] for index in missing)}.")
    if not (given == "validation").any():
        inside = np.flatnonzero(given == "train")
        given[inside[stratified(labels[inside], share=share, seed=seed, names=names)]] = "validation"
    return given


def _below(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)


def _some(lines: list[str]) -> str:
    more = [f"... and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
    return "\n".join(lines[:_SHOWN] + more)
