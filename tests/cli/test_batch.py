from __future__ import annotations

import pytest

pytestmark = pytest.mark.once

pytest.importorskip("pyarrow", reason="batch prediction reads and writes Parquet")


def test_a_folder(zoo_command, bars, pictures, tmp_path):
    outcome = zoo_command("batch", bars, tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert outcome.code == 2 and "No such folder" in outcome.err
    (tmp_path / "in").mkdir()
    for picture in pictures:
        picture.rename(tmp_path / "in" / picture.name)
    (tmp_path / "in" / "broken.png").write_text("no image")
    outcome = zoo_command("batch", bars, tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert outcome.code == 1
    assert outcome.json == {
        "out": str(tmp_path / "out"),
        "rows": 3,
        "errors": 1,
        "reused": 0,
        "unreadable": ["broken.png"],
    }
    again = zoo_command("batch", bars, tmp_path / "in", "--out", tmp_path / "out")
    assert again.code == 1 and "errors" in again.out and "3 of 3 rows were there already" in again.err
    assert "unreadable: broken.png; the column `error`" in again.err


def test_other_options_are_refused(zoo_command, bars, pictures, tmp_path):
    source = pictures[0].parent / "in"
    source.mkdir()
    pictures[0].rename(source / "7.png")
    assert zoo_command("batch", bars, source, "--out", tmp_path / "out").code == 0
    outcome = zoo_command("batch", bars, source, "--out", tmp_path / "out", "--top", 2, "--logits")
    assert outcome.code == 2 and "logits, top differ" in outcome.err


@pytest.mark.parametrize("words", [["batch", "x", "y"], ["batch", "x", "y", "--out", "z", "--engine", "spark"]])
def test_wrong_usage(zoo_command, words):
    outcome = zoo_command(*words)
    assert outcome.code == 2 and "usage: zoo batch" in outcome.err
