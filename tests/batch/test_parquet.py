"""Parquet files with a column of encoded images."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from tests.batch.conftest import encoded, rows_of

pytestmark = pytest.mark.once

IMAGES = [encoded(number % 10) for number in range(12)]
LABELS = [str(number % 10) for number in range(12)]


def write(file, row_group_size=None, **columns):
    file.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), file, row_group_size=row_group_size)
    return file


@pytest.mark.parametrize("part_rows", [1, 5, 1000])
def test_files_and_row_groups_in_order(model, tmp_path, part_rows):
    write(tmp_path / "in" / "a.parquet", 3, image=IMAGES[:8], id=list(range(8)))
    write(tmp_path / "in" / "b.parquet", 3, other=[0] * 4, id=list(range(8, 12)), image=IMAGES[8:])
    result = zoo.predict_files(model, tmp_path / "in", tmp_path / "out", batch_size=4, part_rows=part_rows)
    rows = rows_of(tmp_path / "out")
    assert [row["id"] for row in rows] == list(range(12)) and [row["label"] for row in rows] == LABELS
    assert (result.rows, result.errors) == (12, 0)
    assert len(list((tmp_path / "out").glob("*.parquet"))) == {1: 5, 5: 3, 1000: 2}[part_rows]


def test_rows_without_an_id_are_named_by_file_and_number(model, tmp_path):
    source = write(tmp_path / "t.parquet", 2, image=IMAGES[:5])
    zoo.predict_files(model, source, tmp_path / "out", batch_size=2, part_rows=2)
    assert [row["id"] for row in rows_of(tmp_path / "out")] == [f"t.parquet#{row}" for row in range(5)]


def test_empty_and_broken_cells(model, tmp_path):
    source = write(tmp_path / "t.parquet", image=[IMAGES[3], None, b"no image", IMAGES[4]], path=list("abcd"))
    result = zoo.predict_files(model, source, tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert [row["label"] for row in rows] == ["3", None, None, "4"] and result.errors == 2
    assert [row["path"] for row in rows] == list("abcd")
    assert rows[1]["error"] == "The cell is empty." and "no image that can be read" in rows[2]["error"]


def test_images_as_structs(model, tmp_path):
    cells = [{"bytes": IMAGES[1], "path": "1.png"}, None, {"bytes": None, "path": "2.png"}]
    source = write(tmp_path / "t.parquet", picture=cells, name=["one", "two", "three"])
    zoo.predict_files(model, source, tmp_path / "out", image_column="picture", id_column="name")
    rows = rows_of(tmp_path / "out")
    assert [(row["name"], row["label"]) for row in rows] == [("one", "1"), ("two", None), ("three", None)]
    assert "holds the path '2.png' and no bytes" in rows[2]["error"]


@pytest.mark.parametrize(
    "kind", [pa.dictionary(pa.int32(), pa.binary()), pa.binary_view(), pa.large_binary(), pa.binary(len(IMAGES[7]))]
)
def test_other_columns_of_bytes(model, tmp_path, kind):
    image = pa.array([IMAGES[7], IMAGES[7], None], pa.binary())
    image = image.dictionary_encode() if pa.types.is_dictionary(kind) else image.cast(kind)
    ids = pa.array(["a", "b", "a"])
    ids = ids.cast(pa.string_view()) if kind == pa.binary_view() else ids.dictionary_encode()
    source = write(tmp_path / "t.parquet", image=image, id=ids)
    zoo.predict_files(model, source, tmp_path / "out", batch_size=2)
    assert [(row["id"], row["label"]) for row in rows_of(tmp_path / "out")] == [("a", "7"), ("b", "7"), ("a", None)]


def test_doubled_names_of_columns(model, tmp_path):
    two = pa.Table.from_arrays(
        [pa.array(IMAGES[:2]), pa.array(IMAGES[2:4]), pa.array(IMAGES[4:6])], ["x", "x", "image"]
    )
    pq.write_table(two, tmp_path / "t.parquet")
    zoo.predict_files(model, tmp_path / "t.parquet", tmp_path / "out")
    assert [row["label"] for row in rows_of(tmp_path / "out")] == ["4", "5"]
    with pytest.raises(
        ValueError, match="has 2 columns 'x'; its columns are x, x, image. Name another one with image_col"
    ):
        zoo.predict_files(model, tmp_path / "t.parquet", tmp_path / "other", image_column="x")
    with pytest.raises(ValueError, match="has 2 columns 'x'; .* Name another one with id_column"):
        zoo.predict_files(model, tmp_path / "t.parquet", tmp_path / "other", id_column="x")


@pytest.mark.parametrize("place", ["source", "out"])
def test_addresses(model, tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    source, out = ("s3://bucket/in", "out") if place == "source" else (tmp_path, "s3://bucket/in")
    before = list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="s3://bucket/in is an address, no path of this machine"):
        zoo.predict_files(model, source, out)
    assert list(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"jpg": IMAGES[:1], "name": ["a"]}, {}, "no column 'image' of encoded images; its columns are jpg, name"),
        ({"image": IMAGES[:1], "n": ["a"]}, {"id_column": "name"}, "no column 'name' of ids; its columns are image, n"),
        ({"image": ["a.png"]}, {}, "must hold encoded images as binary values, .* it holds string"),
        ({"image": [[1, 2, 3]]}, {}, "must hold .* it holds list<element: int64>"),
        ({"image": [{"data": b"", "height": 8}]}, {}, "'bytes'; it holds struct<data: binary, height: int64>"),
        ({"image": IMAGES[:1], "id": [["a"]]}, {}, "'id' of .* must name the rows by single values; it holds list"),
        ({"image": IMAGES[:1], "label": ["a"]}, {"id_column": "label"}, "a column 'label' of its own"),
        ({"image": pa.array([], pa.binary())}, {}, "No rows found"),
    ],
)
def test_tables_that_cannot_be_predicted(model, tmp_path, columns, options, message):
    source = write(tmp_path / "t.parquet", **columns)
    with pytest.raises(ValueError, match=message):
        zoo.predict_files(model, source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_files_that_do_not_fit_together(model, tmp_path):
    write(tmp_path / "in" / "a.parquet", image=IMAGES[:1], id=[1])
    write(tmp_path / "in" / "b.parquet", image=IMAGES[:1], id=["one"])
    with pytest.raises(ValueError, match="b.parquet names its rows by .*string.*: name one with id_column="):
        zoo.predict_files(model, tmp_path / "in", tmp_path / "out")


def test_a_file_that_is_no_parquet(model, tmp_path):
    (tmp_path / "t.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(ValueError, match="is not a readable Parquet file"):
        zoo.predict_files(model, tmp_path / "t.parquet", tmp_path / "out")
