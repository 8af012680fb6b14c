"""The folder that batch prediction writes: one Parquet file a part, each whole or absent, and a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import _writing
from zoo._reading import readable
from zoo.batch.extra import load_pyarrow

MANIFEST = "_run.json"  # readers of a folder of Parquet files skip such names
_PART = "part-{:05d}.parquet"
_NAMED = 5  # of the rows with an error
_UNFINISHED = ".part-"  # hidden, so that readers of the folder skip it


@dataclass(frozen=True)
class BatchResult:
    """What `zoo.predict_files` did.

    Attributes:
        out: the folder with the Parquet files `part-00000.parquet`, `part-00001.parquet`, ...
        rows: how many rows they hold together, one for each image.
        errors: how many of the rows hold an error instead of a prediction.
        reused: how many of the rows an earlier run had written.
        unreadable: the names of the first five rows with an error.
    """

    out: Path
    rows: int
    errors: int
    reused: int
    unreadable: tuple[str, ...] = ()


def make_schema(key: Any, *, logits: bool) -> Any:
    """The columns of the output as a pyarrow schema; `key` is the field that names the rows.

    Raises:
        ValueError: `key` is called like another column.
    """
    arrow = load_pyarrow()
    fields = [
        ("label", arrow.string()),
        ("probability", arrow.float64()),
        ("top_labels", arrow.list_(arrow.string())),
        ("top_probabilities", arrow.list_(arrow.float64())),
        *([("logits", arrow.list_(arrow.float32()))] if logits else []),
        ("error", arrow.string()),
    ]
    if key.name in dict(fields):
        raise ValueError(f"The output has a column {key.name!r} of its own: choose another id_column.")
    return arrow.schema([key, *fields])


def open_folder(folder: Path, identity: Mapping[str, Any], *, resume: bool) -> None:
    """Starts a run in a folder, or finds the same run there.

    Raises:
        ValueError: the folder holds something else, or something at all without `resume`.
        NotADirectoryError: there is a file of that name.
    """
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"Expected a folder for the output; {folder} is a file.")
    manifest = folder / MANIFEST
    # The start itself may have been killed, while it wrote the manifest.
    if folder.is_dir() and not all(_writing.is_unfinished(path.name) for path in folder.iterdir()):
        if not resume:
            raise ValueError(f"{folder} is not empty. Choose a new folder, or let the run there go on (resume=True).")
        if not manifest.is_file():
            raise ValueError(f"{folder} is not empty and holds no batch prediction. Choose a new folder.")
        with readable(manifest, "manifest of a batch prediction"):
            earlier = dict(json.loads(manifest.read_text("utf-8")))
        different = sorted(key for key, value in identity.items() if earlier.get(key) != value)
        if different:
            verb = "differs" if len(different) == 1 else "differ"
            raise ValueError(f"{folder} holds another prediction: {', '.join(different)} {verb}. Choose a new folder.")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder, {**identity, "finished": False})


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> None:
    """Writes the manifest, whole or not at all."""
    with _writing.whole(folder / MANIFEST) as part:
        part.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def write_part(folder: Path, number: int, table: Any) -> None:
    """Writes the rows of a part, whole or not at all."""
    parquet = load_pyarrow().parquet
    with _writing.whole(folder / _PART.format(number)) as part, part.open("wb") as file:
        parquet.write_table(table, file)


def has_part(folder: Path, number: int) -> bool:
    """Whether a part has been written."""
    return (folder / _PART.format(number)).is_file()


def find_errors(folder: Path, parts: int) -> tuple[int, tuple[str, ...]]:
    """How many rows hold an error, told from the files' footers, and the names of the first of them."""
    parquet = load_pyarrow().parquet
    errors = 0
    names: list[str] = []
    for number in range(parts):
        metadata = parquet.read_metadata(folder / _PART.format(number))
        place = metadata.num_columns - 1  # `error` is the last column
        for group in range(metadata.num_row_groups):
            column = metadata.row_group(group).column(place)
            found = column.num_values - column.statistics.null_count
            errors += found
            if found and len(names) < _NAMED:
                table = parquet.ParquetFile(folder / _PART.format(number)).read_row_group(group)
                texts = zip(table.column(0).to_pylist(), table.column("error").to_pylist(), strict=True)
                names += [str(name) for name, error in texts if error is not None]
    return errors, tuple(names[:_NAMED])


def count_attempt(folder: Path, number: int) -> int:
    """Notes an attempt at a part, before it begins; returns how many there were, this one included."""
    with open(_attempts(folder, number), "ab") as file:
        file.write(b".")
        return file.tell()


def forget_attempts(folder: Path, number: int) -> None:
    """Removes the note on a part's attempts."""
    _attempts(folder, number).unlink(missing_ok=True)


def _attempts(folder: Path, number: int) -> Path:
    return folder / f"{_UNFINISHED}{number:05d}.attempts"


def remove_unfinished(folder: Path) -> None:
    """Removes what killed workers left behind."""
    _writing.remove_unfinished(folder)
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)
