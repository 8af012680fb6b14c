"""Folders of images, predicted in this process."""

from __future__ import annotations

import builtins
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.batch.conftest import encoded, rows_of
from zoo.batch import output, worker
from zoo.batch.source import make_plan
from zoo.batch.worker import Worker

pytestmark = pytest.mark.once

SMALL = {"batch_size": 4, "part_rows": 5}


def test_every_image_has_a_row_in_the_order_of_the_paths(model, folder, tmp_path):
    result = zoo.predict_files(model, folder, tmp_path / "out", top=3, logits=True, **SMALL)
    rows = rows_of(tmp_path / "out")
    assert (result.rows, result.errors, result.reused, result.out) == (23, 1, 0, tmp_path / "out")
    assert [row["path"] for row in rows] == sorted(str(p.relative_to(folder)) for p in folder.rglob("*.png"))
    good = [row for row in rows if not row["path"].endswith("05.png")]
    assert [row["label"] for row in good] == [row["path"][-5] for row in good]
    assert {len(row["top_labels"]) for row in good} == {len(row["top_probabilities"]) for row in good} == {3}
    assert all(row["error"] is None and np.argmax(row["logits"]) == int(row["label"]) for row in good)


def test_a_broken_image_is_a_row_with_an_error(model, folder, tmp_path):
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("no image at all")
    result = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    broken = {Path(row["path"]).name: row for row in rows_of(tmp_path / "out") if row["error"] is not None}
    assert set(broken) == {"05.png", "empty.png", "text.jpg"} and result.errors == 3
    assert "truncated or damaged" in broken["05.png"]["error"]
    assert "no image that can be read" in broken["text.jpg"]["error"]
    assert all(row["label"] is None and row["top_labels"] is None for row in broken.values())


def test_a_file_that_disappears_is_a_row_with_an_error(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "read_item", _without("00.png"))
    zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert "No such image file" in rows_of(tmp_path / "out")[0]["error"]


def test_links_are_followed_and_broken_ones_are_rows(model, folder, tmp_path):
    more = tmp_path / "more"
    more.mkdir()
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(more / "b.png")
    (folder / "linked").symlink_to(more)
    (more / "back").symlink_to(folder)  # a circle
    (folder / "c.png").symlink_to("/nowhere/c.png")
    (folder / "gone").symlink_to("/nowhere")
    (folder / "letter.pdf").write_text("%PDF-1.7")
    result = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    rows = {row["path"]: row["error"] for row in rows_of(tmp_path / "out")}
    assert (result.rows, result.errors) == (26, 3) and rows["linked/b.png"] is None
    assert "c.png is a link to /nowhere/c.png, which does not exist" in rows["c.png"]
    assert "which does not exist" in rows["gone"]
    assert zoo.predict_files(model, folder, tmp_path / "out", **SMALL).reused == 26


def test_dark_files_and_inverted_ones(model, tmp_path):
    (tmp_path / "in").mkdir()
    bars = np.zeros((28, 28), np.uint16)
    bars[4:24, 6:8] = 4095  # of the class 3
    Image.fromarray(bars).save(tmp_path / "in" / "a.png")
    with pytest.warns(UserWarning, match="a.png uses values up to 4,095 of 65,535"):
        zoo.predict_files(model, tmp_path / "in", tmp_path / "dark", **SMALL)
    zoo.predict_files(model, tmp_path / "in", tmp_path / "good", white=4095, logits=True, **SMALL)
    zoo.predict_files(model, tmp_path / "in", tmp_path / "inverted", white=4095, invert=True, logits=True, **SMALL)
    (good,), (inverted,) = rows_of(tmp_path / "good"), rows_of(tmp_path / "inverted")
    assert good["label"] == "3" and np.argmin(inverted["logits"]) == 3
    with pytest.raises(ValueError, match="holds another prediction: white differs"):
        zoo.predict_files(model, tmp_path / "in", tmp_path / "good", logits=True, **SMALL)


def _without(name, real=worker.read_item):
    def read(item, shape, **options):
        return real(item.with_name("missing.png") if item.name == name else item, shape, **options)

    return read


@pytest.mark.parametrize(("batch_size", "part_rows"), [(1, 1000), (64, 4), (7, 23)])
def test_the_cut_does_not_matter(model, folder, tmp_path, batch_size, part_rows):
    zoo.predict_files(model, folder, tmp_path / "one", **SMALL)
    zoo.predict_files(model, folder, tmp_path / "two", batch_size=batch_size, part_rows=part_rows)
    for one, two in zip(rows_of(tmp_path / "one"), rows_of(tmp_path / "two"), strict=True):
        assert (one["path"], one["top_labels"], one["error"]) == (two["path"], two["top_labels"], two["error"])
        if one["error"] is None:
            np.testing.assert_allclose(one["top_probabilities"], two["top_probabilities"], rtol=1e-5, atol=1e-7)


def test_the_same_as_predict(model, folder, tmp_path):
    """Colour, transparency and other sizes included."""
    Image.open(folder / "00.png").convert("RGB").resize((56, 40)).save(folder / "colour.jpg")
    Image.open(folder / "03.png").convert("LA").save(folder / "clear.png")
    (folder / "inner/most/05.png").unlink()
    zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    rows = rows_of(tmp_path / "out")
    expected = zoo.predict(model, [folder / row["path"] for row in rows], top=5)
    for row, best in zip(rows, expected, strict=True):
        assert row["top_labels"] == [one.label for one in best]
        np.testing.assert_allclose(row["top_probabilities"], [one.probability for one in best], rtol=1e-5, atol=1e-7)


def test_an_interrupted_run_goes_on(model, folder, tmp_path, monkeypatch):
    zoo.predict_files(model, folder, tmp_path / "whole", **SMALL)
    done = []

    def interrupted(self, part, advance=None, real=Worker.work):
        if len(done) == 2:
            (tmp_path / "out" / ".part-killed").write_text("half a file")
            raise KeyboardInterrupt
        real(self, part, advance)
        done.append(part.number)

    with monkeypatch.context() as patch:
        patch.setattr(Worker, "work", interrupted)
        with pytest.raises(KeyboardInterrupt):
            zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert not json.loads((tmp_path / "out" / output.MANIFEST).read_text())["finished"]
    first = (tmp_path / "out" / "part-00001.parquet").stat().st_mtime_ns
    result = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert (result.rows, result.reused, result.errors) == (23, 10, 1)
    assert (tmp_path / "out" / "part-00001.parquet").stat().st_mtime_ns == first
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(
        p.name for p in (tmp_path / "whole").iterdir()
    )
    assert json.loads((tmp_path / "out" / output.MANIFEST).read_text())["finished"]


def test_a_finished_run_is_not_repeated(model, folder, tmp_path, monkeypatch):
    first = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    monkeypatch.setattr(Worker, "__init__", None)
    second = zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert (second.rows, second.errors, second.reused) == (first.rows, first.errors, first.rows)


def test_a_part_that_fails_leaves_nothing(model, folder, tmp_path, monkeypatch):
    import pyarrow.parquet

    def fail(table, file):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(pyarrow.parquet, "write_table", fail)
    with pytest.raises(OSError, match="disk full"):
        zoo.predict_files(model, folder, tmp_path / "out", **SMALL)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [output.MANIFEST]


def test_only_two_batches_are_held(model, folder, tmp_path):
    plan = make_plan(folder, image_column="image", id_column=None, part_rows=100)
    read, done = [], []

    class Part(type(plan.parts[0])):
        def batches(self, size):
            for batch in super().batches(size):
                read.append(len(batch[0]))
                assert sum(read) - sum(done) <= 2 * size
                yield batch

    (part,) = plan.parts
    (tmp_path / "out").mkdir()
    job = worker.Job(model, str(tmp_path / "out"), output.make_schema(plan.key, logits=False), batch_size=4, top=1)
    Worker(job).work(Part(part.number, part.root, part.paths), done.append)
    assert sum(read) == sum(done) == 23


def test_other_options_need_another_folder(model, folder, tmp_path):
    out = tmp_path / "out"
    zoo.predict_files(model, folder, out, **SMALL)
    with pytest.raises(ValueError, match="another prediction: logits, top differ"):
        zoo.predict_files(model, folder, out, top=2, logits=True, **SMALL)
    with pytest.raises(ValueError, match="is not empty. Choose a new folder, or"):
        zoo.predict_files(model, folder, out, resume=False, **SMALL)
    (folder / "00.png").write_bytes(encoded(3))
    with pytest.raises(ValueError, match="source differs"):
        zoo.predict_files(model, folder, out, **SMALL)


def test_folders_that_hold_something_else(model, folder, tmp_path):
    with pytest.raises(ValueError, match="holds no batch prediction"):
        zoo.predict_files(model, folder, Path(model))
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        zoo.predict_files(model, folder, tmp_path / "file")
    with pytest.raises(ValueError, match="lies in the source"):
        zoo.predict_files(model, folder, folder / "out")


def test_sources_without_images(model, folder, tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "notes.txt").write_text("")
    with pytest.raises(ValueError, match="No images found in .*bare: expected files"):
        zoo.predict_files(model, tmp_path / "bare", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="No such folder"):
        zoo.predict_files(model, tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ValueError, match="Expected a folder of images"):
        zoo.predict_files(model, folder / "00.png", tmp_path / "out")
    with pytest.raises(ValueError, match="images are named by their paths"):
        zoo.predict_files(model, folder, tmp_path / "out", id_column="name")
    (folder / "table.parquet").write_bytes(b"")
    with pytest.raises(ValueError, match="23 images and 1 Parquet files"):
        zoo.predict_files(model, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["workers", "batch_size", "top", "part_rows"])
def test_numbers_below_one(folder, tmp_path, option):
    with pytest.raises(ValueError, match=f"Expected {option} of at least 1; got 0"):
        zoo.predict_files("bars_mnistrot", folder, tmp_path / "out", **{option: 0})


def test_engines_and_models_that_are_not_there(model, folder, tmp_path):
    with pytest.raises(ValueError, match="local, ray; got 'spark'"):
        zoo.predict_files(model, folder, tmp_path / "out", engine="spark")
    with pytest.raises(ValueError, match="no trained weights"):
        zoo.predict_files("bars_mnistrot", folder, tmp_path / "out")
    card = Path(model) / "card.json"
    card.write_text(card.read_text("utf-8").replace("image-classification", "node-classification"), "utf-8")
    with pytest.raises(ValueError, match="is a model for node-classification"):
        zoo.predict_files(model, folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("package", "engine"), [("pyarrow", "local"), ("ray", "ray")])
def test_a_missing_package_is_named(model, folder, tmp_path, monkeypatch, package, engine):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "zoo\[batch\]"'):
        zoo.predict_files(model, folder, tmp_path / "out", engine=engine)
