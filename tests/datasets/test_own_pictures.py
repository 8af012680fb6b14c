"""Pictures of one's own: folders, tables, splits, and everything that can be wrong with them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import open_data, open_pictures

pytestmark = pytest.mark.once
SHAPE = (8, 8, 3)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "mine"
    fill(root, {"ant": 10, "bee": 5, "cow": 2})
    return root


def fill(root, classes):
    for number, (name, count) in enumerate(classes.items()):
        (root / name).mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (8, 8), (60 * number, index, 0)).save(root / name / f"{index}.png")


def test_a_share_of_each_class_is_set_aside_the_same_each_time(folder):
    data, again = (open_pictures(folder, shape=SHAPE) for _ in range(2))
    other = open_pictures(folder, shape=SHAPE, seed=1)
    assert data.classes == ("ant", "bee", "cow") and np.bincount(data.validation[1]).tolist() == [2, 1, 1]
    assert len(data.train[1]) == 13 and data.test is None and data.listing == again.listing != other.listing
    assert np.array_equal(data.train[0], again.train[0])
    for path, name, split in data.listing:
        pixel = (np.array(Image.open(folder / path)))[0, 0]
        images, labels = getattr(data, split)
        assert any(
            np.array_equal(i[0, 0], pixel) and data.classes[k] == name for i, k in zip(images, labels, strict=True)
        )


@pytest.mark.parametrize("name", ["val", "validation", "Valid"])
def test_splits_that_are_there_are_taken(tmp_path, name):
    fill(tmp_path / "train", {"a": 3, "b": 3})
    fill(tmp_path / name, {"a": 1, "b": 2})
    fill(tmp_path / "test", {"b": 1})
    data = open_data(tmp_path, shape=SHAPE)
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [6, 3, 1]
    assert ("train/a/0.png", "a", "train") in data.listing


def test_of_train_and_test_alone_a_part_of_train_is_set_aside(tmp_path):
    fill(tmp_path / "train", {"a": 5, "b": 5})
    fill(tmp_path / "test", {"a": 1, "b": 1})
    data = open_pictures(tmp_path, shape=SHAPE)
    assert [len(part[1]) for part in (data.train, data.validation, data.test)] == [8, 2, 2]


def table(folder, rows, name="list.csv", columns="path,label"):
    (folder / name).write_text("\n".join([columns, *rows]) + "\n")
    return folder / name


def test_tables(folder):
    rows = [f"ant/{k}.png,insect" for k in range(10)] + [f"cow/{k}.png,animal" for k in range(2)]
    data = open_data(table(folder, rows), shape=SHAPE)
    assert data.classes == ("animal", "insect") and len(data.train[1]) + len(data.validation[1]) == 12
    given = [f"{row},{'val' if index % 2 else 'train'}" for index, row in enumerate(rows)]
    data = open_data(table(folder, given, columns="path,label,split"), shape=SHAPE)
    assert len(data.train[1]) == len(data.validation[1]) == 6 and data.listing[0] == ("ant/0.png", "insect", "train")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes the table")
    import pyarrow

    columns = {"file": [row.split(",")[0] for row in rows], "class": [row.split(",")[1] for row in rows]}
    parquet.write_table(pyarrow.table(columns), folder / "list.parquet")
    assert open_data(folder / "list.parquet", shape=SHAPE).classes == ("animal", "insect")


@pytest.mark.parametrize(
    ("rows", "columns", "error", "words"),
    [
        (["ant/0.png,a", "gone.png,b"], "path,label", FileNotFoundError, "1 of 2 pictures .* not there:\n.*gone.png"),
        (["ant/0.png,a", "ant/0.png,b"], "path,label", ValueError, "lists .*0.png twice"),
        (["ant/0.png,a", "ant/1.png,"], "path,label", ValueError, "row 3: expected a path and a label"),
        (["ant/0.png,a,train", "ant/1.png,b,"], "path,label,split", ValueError, "some rows a split and others none"),
        (["ant/0.png,a,dev"], "path,label,split", ValueError, "row 2: expected a split of .*; got 'dev'"),
        (["ant/0.png,a"], "where,label", ValueError, "one column .* called path or .*; its columns are where, label"),
        (["ant/0.png,a,b"], "path,label", ValueError, "row 2: another number of columns"),
        ([], "path,label", ValueError, "has no rows"),
    ],
)
def test_tables_that_are_wrong(folder, rows, columns, error, words):
    with pytest.raises(error, match=words):
        open_data(table(folder, rows, columns=columns), shape=SHAPE)


def test_classes_that_are_wrong(tmp_path):
    cases = {
        "empty": ({"a": 2, "b": 0}, "none in: b"),
        "one": ({"a": 2}, "at least two classes; got 'a'"),
        "case": ({"Cat": 2, "cat": 2}, "Two classes have one name: 'Cat' and 'cat'"),
        "blanks": ({"cat": 2, "cat ": 2}, "Two classes have one name: 'cat' and 'cat '"),
        "single": ({"a": 2, "b": 1}, "The class 'b' has one example"),
    }
    for name, (classes, words) in cases.items():
        fill(tmp_path / name, classes)
        with pytest.raises(ValueError, match=words):
            open_data(tmp_path / name, shape=SHAPE)
    fill(tmp_path / "split" / "train", {"a": 2, "b": 2})
    fill(tmp_path / "split" / "val", {"a": 2, "c": 2})
    with pytest.raises(ValueError, match="No training pictures of: c"):
        open_data(tmp_path / "split", shape=SHAPE)
    fill(tmp_path / "split" / "validation", {"a": 1})
    with pytest.raises(ValueError, match="two folders for validation"):
        open_data(tmp_path / "split", shape=SHAPE)


def test_pictures_that_cannot_be_read(folder):
    (folder / "ant" / "3.png").write_text("no picture")
    (folder / "bee" / "1.png").write_bytes((folder / "bee" / "0.png").read_bytes()[:40])
    with pytest.raises(
        ValueError, match=r"2 of 17 pictures .* cannot be read; .*unreadable='skip'(.|\n)*3.png(.|\n)*1.png"
    ):
        open_data(folder, shape=SHAPE)
    with pytest.warns(UserWarning, match=r"2 of 17 pictures .* are left out:\n.*3.png"):
        data = open_data(folder, shape=SHAPE, unreadable="skip")
    assert len(data.train[1]) + len(data.validation[1]) == 15 and "ant/3.png" not in {row[0] for row in data.listing}
    for file in (folder / "cow").iterdir():
        file.write_text("no picture")
    with pytest.raises(ValueError, match="No picture that can be read is left in: cow"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        open_data(folder, shape=SHAPE, unreadable="skip")
    with pytest.raises(ValueError, match="unreadable to be 'stop' or 'skip'; got 'ask'"):
        open_data(folder, shape=SHAPE, unreadable="ask")


def test_pictures_to_measure_with_keep_the_order_of_the_model(folder):
    data = open_pictures(folder, shape=SHAPE, labels=("cow", "bee", "ant", "dog"), measured=True)
    assert np.bincount(data.test[1]).tolist() == [2, 5, 10] and len(data.train[1]) == 0
    with pytest.raises(ValueError, match="not the model's: ant not among cow, bee"):
        open_pictures(folder, shape=SHAPE, labels=("cow", "bee"), measured=True)
    assert open_pictures(folder, shape=SHAPE, labels=("cow", "ant", "bee")).classes == ("cow", "ant", "bee")


def test_what_is_no_data(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such folder or file"):
        open_data(tmp_path / "gone", shape=SHAPE)
    with pytest.raises(ValueError, match="takes inputs of shape"):
        open_data(tmp_path, shape=(4,))
    with pytest.raises(TypeError, match="got int"):
        open_data(3)
