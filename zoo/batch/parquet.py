"""Parquet files with a column of encoded images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.batch.extra import load_pyarrow

_USUAL_IDS = ("path", "id")
_READ_BUFFER = 1 << 20  # bytes of a column that are held while it streams


@dataclass(frozen=True)
class ParquetPart:
    """Some neighbouring row groups of a Parquet file.

    Attributes:
        number: place among the parts.
        file: the file.
        groups: numbers of the row groups.
        rows: how many rows these have.
        first_row: how many rows of the file come before them.
        image_column: the column of encoded images.
        id_column: the column that names the rows, or None: then file and row number do.
        label: what the file is called in those names.
    """

    number: int
    file: str
    groups: tuple[int, ...]
    rows: int
    first_row: int
    image_column: str
    id_column: str | None
    label: str

    def batches(self, size: int) -> Iterator[tuple[list[Any], list[bytes | None]]]:
        """Ids and encoded images (None where a cell is empty), at most `size` at a time."""
        arrow = load_pyarrow()
        columns = [self.image_column] + ([self.id_column] if self.id_column else [])
        row = self.first_row
        with arrow.parquet.ParquetFile(self.file, buffer_size=_READ_BUFFER, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=size, row_groups=list(self.groups), columns=columns):
                images = batch.column(self.image_column)
                if arrow.types.is_struct(images.type):
                    images = arrow.compute.struct_field(images, "bytes")
                if self.id_column:
                    ids = batch.column(self.id_column).to_pylist()
                else:
                    ids = [f"{self.label}#{row + offset}" for offset in range(len(images))]
                row += len(images)
                yield ids, images.to_pylist()


def find_parts(
    root: Path, names: list[str], image_column: str, id_column: str | None, part_rows: int
) -> tuple[list[ParquetPart], Any]:
    """The parts of Parquet files, and the pyarrow field that names the output's rows.

    Raises:
        ValueError: a file that is no Parquet file, columns that are missing or of a wrong type, or no rows.
    """
    arrow = load_pyarrow()
    parts: list[ParquetPart] = []
    keys = []
    for name in names:
        file, label = root / name, name or root.name
        try:
            with arrow.parquet.ParquetFile(file) as opened:
                schema, metadata = opened.schema_arrow, opened.metadata
        except arrow.ArrowInvalid as error:
            raise ValueError(f"{file} is no Parquet file that can be read: {error}") from error
        _check_images(schema, image_column, file)
        found = _id_column(schema, id_column, image_column, file)
        keys.append(schema.field(found).remove_metadata() if found else arrow.field("id", arrow.string()))
        if keys[-1] != keys[0]:
            raise ValueError(
                f"{file} names its rows by {keys[-1]}, the files before it by {keys[0]}: name "
                "one with id_column= (--id-column on the command line)."
            )
        for groups, rows, first_row in _runs(metadata, part_rows):
            parts.append(ParquetPart(len(parts), str(file), groups, rows, first_row, image_column, found, label))
    if not parts:
        raise ValueError(f"No rows found in {root}: its {len(names)} Parquet files are empty.")
    return parts, keys[0]


def _check_images(schema: Any, column: str, file: Path) -> None:
    types = load_pyarrow().types
    if column not in schema.names:
        raise ValueError(
            f"{file} has no column {column!r} of encoded images; its columns are {', '.join(schema.names)}. "
            "Name the right one with image_column= (--image-column on the command line)."
        )
    kind = schema.field(column).type
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type  # the form in which Hugging Face data sets keep images
    if not (types.is_binary(kind) or types.is_large_binary(kind)):
        raise ValueError(f"Column {column!r} of {file} must hold encoded images as binary values; it holds {kind}.")


def _id_column(schema: Any, wanted: str | None, image_column: str, file: Path) -> str | None:
    if wanted is not None and wanted not in schema.names:
        raise ValueError(f"{file} has no column {wanted!r}; its columns are {', '.join(schema.names)}.")
    return wanted or next((name for name in _USUAL_IDS if name in schema.names and name != image_column), None)


def _runs(metadata: Any, part_rows: int) -> Iterator[tuple[tuple[int, ...], int, int]]:
    """Neighbouring row groups until they hold `part_rows` rows: their numbers, their rows, the rows before them."""
    groups: list[int] = []
    rows = before = 0
    for number in range(metadata.num_row_groups):
        groups.append(number)
        rows += metadata.row_group(number).num_rows
        if rows and (rows >= part_rows or number == metadata.num_row_groups - 1):
            yield tuple(groups), rows, before
            before, groups, rows = before + rows, [], 0
