"""Parquet files with a column of encoded images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo._reading import readable
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

    def batches(self, size: int) -> Iterator[tuple[list[Any], list[bytes | str | None]]]:
        """Ids and images, at most `size` at a time: encoded, None for an empty cell, text for one with a path only.

        A `ValueError` that names the file where it is damaged.
        """
        arrow = load_pyarrow()
        columns = [self.image_column] + ([self.id_column] if self.id_column else [])
        row = self.first_row
        with (
            readable(self.file, "Parquet file"),
            arrow.parquet.ParquetFile(self.file, buffer_size=_READ_BUFFER, pre_buffer=False) as file,
        ):
            for batch in file.iter_batches(batch_size=size, row_groups=list(self.groups), columns=columns):
                images = [_content(cell) for cell in batch.column(self.image_column).to_pylist()]
                if self.id_column:
                    ids = batch.column(self.id_column).to_pylist()
                else:
                    ids = [f"{self.label}#{row + offset}" for offset in range(len(images))]
                row += len(images)
                yield ids, images


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
        with readable(file, "Parquet file"), arrow.parquet.ParquetFile(file) as opened:
            schema, metadata = opened.schema_arrow, opened.metadata
        _check_images(schema, image_column, file)
        found = _id_column(schema, id_column, image_column, file)
        keys.append(_key(schema.field(found)) if found else arrow.field("id", arrow.string()))
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


def _content(cell: Any) -> Any:
    """The bytes of a cell; of a struct without bytes, the path that Hugging Face data sets have beside them."""
    if not isinstance(cell, dict):
        return cell
    return cell["bytes"] if cell["bytes"] is not None else cell.get("path")


def _check_images(schema: Any, column: str, file: Path) -> None:
    types = load_pyarrow().types
    _check_column(schema, column, file, "of encoded images", "image_column= (--image-column on the command line)")
    kind = found = schema.field(column).type
    if types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type  # the form in which Hugging Face data sets keep images
    if types.is_dictionary(kind):
        kind = kind.value_type
    known = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    if not any(is_known(kind) for is_known in known):
        raise ValueError(
            f"Column {column!r} of {file} must hold encoded images as binary values, or as structs with a field "
            f"'bytes'; it holds {found}."
        )


def _id_column(schema: Any, wanted: str | None, image_column: str, file: Path) -> str | None:
    found = wanted or next((name for name in _USUAL_IDS if name in schema.names and name != image_column), None)
    if found is not None:
        _check_column(schema, found, file, "of ids", "id_column= (--id-column on the command line)")
        kind = schema.field(found).type
        if load_pyarrow().types.is_nested(kind):
            raise ValueError(f"Column {found!r} of {file} must name the rows by single values; it holds {kind}.")
    return found


def _check_column(schema: Any, column: str, file: Path, what: str, option: str) -> None:
    count = schema.names.count(column)
    if count != 1:
        found = f"{count} columns {column!r}" if count else f"no column {column!r} {what}"
        raise ValueError(
            f"{file} has {found}; its columns are {', '.join(schema.names)}. Name another one with {option}."
        )


def _key(field: Any) -> Any:
    """The field of the ids as the output has it: a dictionary's values, and views as plain strings."""
    arrow = load_pyarrow()
    kind = field.type.value_type if arrow.types.is_dictionary(field.type) else field.type
    kind = arrow.string() if arrow.types.is_string_view(kind) else kind
    return field.with_type(kind).remove_metadata()


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
