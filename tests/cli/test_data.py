from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import zoo

pytestmark = pytest.mark.once


def test_list(zoo_command):
    outcome = zoo_command("data", "list")
    assert outcome.code == 0
    for word in (*zoo.datasets.list_datasets(), "CC BY-SA 3.0", "45,000 images to train"):
        assert word in outcome.out


def test_list_json(zoo_command):
    rows = {row["name"]: row for row in zoo_command("data", "list", "--json").json}
    assert sorted(rows) == zoo.datasets.list_datasets()
    assert rows["cifar10"]["classes"][9] == "truck" and rows["pubmed"]["classes"] == []


def test_prepare(zoo_command, tmp_path):
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")
    pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (20, 20), "white").save(tmp_path / "pets" / name / "1.png")
    words = ("data", "prepare", "pets", "--data", tmp_path, "--out", tmp_path / "out", "--size", 8, "--grayscale")
    made = zoo_command(*words, "--json").json
    assert made == {"name": "pets", "folder": str(tmp_path / "out" / "scene_folder" / "pets" / "1.0.0")}
    images, labels = zoo.datasets.load("pets", "train", data=tmp_path / "out")
    assert images.shape == (2, 8, 8, 1) and (images == 255).all()
    np.testing.assert_array_equal(labels, [0, 1])
    assert f"--data {tmp_path / 'out'}" in zoo_command(*words).out


def test_bad_input(zoo_command, tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")
    pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")
    outcome = zoo_command("data", "prepare", "mnist", "--data", tmp_path, "--out", tmp_path / "out")
    assert outcome.code == 2 and "Unknown data set 'mnist'" in outcome.err
    monkeypatch.delenv("ZOO_DATA", raising=False)
    outcome = zoo_command("data", "prepare", "cora", "--out", tmp_path / "out")
    assert outcome.code == 2 and "set ZOO_DATA to the folder that holds cora/" in outcome.err


def test_action_is_required(zoo_command):
    assert zoo_command("data").code == 2
