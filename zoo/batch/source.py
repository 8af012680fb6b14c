"""What there is to predict: a source cut into parts that can be done, repeated and resumed one by one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.batch import parquet
from zoo.batch.extra import load_pyarrow
from zoo.batch.parquet import ParquetPart
from zoo.datasets.picture_files import image_suffixes
from zoo.datasets.walking import walk


@dataclass(frozen=True)
class ImagePart:
    """Some files of a folder of images.

    Attributes:
        number: place among the parts.
        root: the folder.
        paths: the files, relative to the folder, with forward slashes.
    """

    number: int
    root: str
    paths: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many images the part has."""
        return len(self.paths)

    def batches(self, size: int) -> Iterator[tuple[list[str], list[Path]]]:
        """Names and files, at most `size` at a time."""
        for start in range(0, len(self.paths), size):
            paths = self.paths[start : start + size]
            # A name that is no UTF-8 cannot stand in a column of strings.
            names = [path.encode("utf-8", "replace").decode("utf-8") for path in paths]
            yield names, [Path(self.root, path) for path in paths]


Part = ImagePart | ParquetPart


@dataclass(frozen=True)
class Plan:
    """A source in parts.

    Attributes:
        parts: in the order of the output.
        key: pyarrow field of the column that names the rows of the output.
        digest: SHA-256 over names, sizes and dates of the source's files.
    """

    parts: tuple[Part, ...]
    key: Any
    digest: str


def make_plan(source: str | os.PathLike[str], *, image_column: str, id_column: str | None, part_rows: int) -> Plan:
    """Cuts a source into parts of about `part_rows` rows; a row group of a Parquet file stays whole.

    Raises:
        FileNotFoundError: the source does not exist.
        ValueError: nothing to predict, images and Parquet files side by side, or columns that are not there.
    """
    root = Path(source).absolute()
    if not root.exists():
        raise FileNotFoundError(f"No such folder or file: {source}")
    tables, images = _find_files(root)
    if tables and images:
        raise ValueError(
            f"{source} holds {len(images)} images and {len(tables)} Parquet files; name a folder with one of the kinds."
        )
    digest = _digest(root, tables or images)
    if tables:
        parts, key = parquet.find_parts(root, tables, image_column, id_column, part_rows)
        return Plan(tuple(parts), key, digest)
    if not images:
        raise ValueError(f"No images found in {source}: expected files *.png, *.jpg, ... or *.parquet, at any depth.")
    if id_column is not None:
        raise ValueError(f"id_column={id_column!r} is for Parquet files; images are named by their paths.")
    runs = [tuple(images[start : start + part_rows]) for start in range(0, len(images), part_rows)]
    key = load_pyarrow().field("path", load_pyarrow().string())
    return Plan(tuple(ImagePart(number, str(root), paths) for number, paths in enumerate(runs)), key, digest)


def _find_files(root: Path) -> tuple[list[str], list[str]]:
    """Parquet files and images below a folder, relative to it and sorted; a Parquet file stands for itself."""
    if root.is_file():
        if root.suffix.lower() != ".parquet":
            raise ValueError(f"Expected a folder of images, or Parquet files (*.parquet); got the file {root}.")
        return [""], []
    suffixes = image_suffixes()
    tables, images, broken = [], [], []
    for entry in walk(root):
        if entry.suffix in suffixes:
            images.append(entry.path)
        elif entry.suffix == ".parquet":
            tables.append(entry.path)
        elif entry.broken:  # a link to a folder, or to an image that is called otherwise
            broken.append(entry.path)
    return sorted(tables), sorted([*images, *([] if tables else broken)])


def _digest(root: Path, names: list[str]) -> str:
    digest = hashlib.sha256()
    for name in names:
        path = root / name
        facts = path.stat() if path.exists() else path.lstat()  # of a broken link, its own
        digest.update(os.fsencode(name) + f"\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
