from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import zoo.datasets
from tests.datasets import graphs

pytestmark = pytest.mark.once

pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")
pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Two classes with pictures of several sizes, no two alike."""
    rng = np.random.default_rng(0)
    for name, count in (("coast", 3), ("street", 2)):
        (tmp_path / "data" / "scenes" / name).mkdir(parents=True)
        for number in range(count):
            picture = rng.integers(0, 256, (20 + number, 30, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / "scenes" / name / f"{number}.png")
    return tmp_path / "data"


@pytest.mark.parametrize("split", ["train", "validation", "test", "train+validation"])
def test_images_come_back_as_they_were(tiny_root, tmp_path, split):
    folder = zoo.datasets.prepare("mnist_rot", data=tiny_root, out=tmp_path / "out", progress=False)
    assert folder.parent == tmp_path / "out" / "mnist_rot"
    before = zoo.datasets.load("mnist_rot", split, data=tiny_root)
    after = zoo.datasets.load("mnist_rot", split, data=tmp_path / "out")
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_graphs_come_back_as_they_were(tmp_path):
    graphs.write_npz(tmp_path / "data" / "planetoid" / "cora.npz")
    zoo.datasets.prepare("cora", data=tmp_path / "data", out=tmp_path / "out", progress=False)
    for split in ("train", "validation", "test"):
        before = zoo.datasets.load("cora", split, data=tmp_path / "data")
        after = zoo.datasets.load("cora", split, data=tmp_path / "out")
        keras.tree.map_structure(np.testing.assert_array_equal, before, after)
        keras.tree.map_structure(lambda one, other: np.testing.assert_equal(one.dtype, other.dtype), before, after)
    with pytest.raises(ValueError, match="prepared set cora. Expected one of: train, validation, test .those of Geom"):
        zoo.datasets.load("cora", "geom-0/train", data=tmp_path / "out")


def test_a_graph_without_features_is_not_prepared(tmp_path):
    graphs.write_npz(tmp_path / "data" / "planetoid" / "pubmed_graph_only.npz", complete=False)
    with pytest.raises(FileNotFoundError, match="features of pubmed are missing"):
        zoo.datasets.prepare("pubmed", data=tmp_path / "data", out=tmp_path / "out", progress=False)
    assert not list((tmp_path / "out").rglob("dataset_info.json"))


def test_fashion_mnist_mini(tmp_path):
    folder = tmp_path / "data" / "fashion_mnist_mini"
    folder.mkdir(parents=True)
    x = np.random.default_rng(0).integers(0, 256, (900, 28, 28), dtype=np.uint8)
    np.savez(folder / "fashion_mnist_mini.npz", x=x, y=np.repeat(np.arange(10, dtype=np.uint8), 90))
    zoo.datasets.prepare("fashion_mnist_mini", data=tmp_path / "data", out=tmp_path / "out", progress=False)
    for split in ("train", "test"):
        before = zoo.datasets.load("fashion_mnist_mini", split, data=tmp_path / "data")
        after = zoo.datasets.load("fashion_mnist_mini", split, data=tmp_path / "out")
        keras.tree.map_structure(np.testing.assert_array_equal, before, after)


def test_sheets_go_through_the_same_builder(tmp_path, monkeypatch):
    from tests.datasets.test_sheets import SMALL, write
    from zoo.datasets import sheets
    from zoo.datasets.builders import image_sets

    write(tmp_path / "data" / "scene15", SMALL)
    config = next(item for item in image_sets.ZooImageSet.BUILDER_CONFIGS if item.name == "scene15")
    monkeypatch.setattr(config, "shape", (4, 4, 3))
    monkeypatch.setattr(config, "read", lambda folder, split: sheets.read(folder, SMALL, split))
    zoo.datasets.prepare("scene15", data=tmp_path / "data", out=tmp_path / "out", progress=False)
    for split in SMALL.splits:
        before = sheets.read(tmp_path / "data" / "scene15", SMALL, split)
        after = zoo.datasets.load("scene15", split, data=tmp_path / "out")
        keras.tree.map_structure(np.testing.assert_array_equal, before, after)


def test_a_folder_of_classes(scenes, tmp_path):
    folder = zoo.datasets.prepare("scenes", data=scenes, out=tmp_path / "out", size=16, grayscale=True, progress=False)
    images, labels = zoo.datasets.load("scenes", "train", data=tmp_path / "out")
    expected = zoo.datasets.load_folder(scenes / "scenes", size=16, grayscale=True)
    np.testing.assert_array_equal(images, expected[0])
    np.testing.assert_array_equal(labels, expected[1])
    assert (folder / "label.labels.txt").read_text().split() == ["coast", "street"]
    with pytest.raises(ValueError, match="Unknown split 'test' of the prepared set scenes. Expected one of: train, or"):
        zoo.datasets.load("scenes", "test", data=tmp_path / "out")


def test_other_options_than_those_of_the_set_that_is_there_are_refused(scenes, tmp_path, capsys):
    def prepare(**options):
        return zoo.datasets.prepare("scenes", data=scenes, out=tmp_path / "out", **options)

    first = prepare(size=8, progress=False)
    for options in ({"size": 9}, {"size": 8, "grayscale": True}):
        with pytest.raises(ValueError, match=r"channels \(8, 8, 3\); asked for are .* remove that one first"):
            prepare(**options)
    assert "prepared already" not in capsys.readouterr().err
    assert prepare(size=(8, 8)) == first
    assert f"zoo: scenes is prepared already and left as it is: {first}" in capsys.readouterr().err


@pytest.mark.parametrize("below", ["", "sub"])
def test_out_is_a_file(scenes, tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="Expected a folder for the prepared sets; .*file is a file"):
        zoo.datasets.prepare("scenes", data=scenes, out=tmp_path / "file" / below, size=8, progress=False)


def test_a_folder_of_splits(scenes, tmp_path):
    root = tmp_path / "split"
    for split in ("train", "test"):
        (root / "scenes").mkdir(parents=True, exist_ok=True)
        os.symlink(scenes / "scenes", root / "scenes" / split)
    zoo.datasets.prepare("scenes", data=root, out=tmp_path / "out", size=(8, 12), progress=False)
    assert zoo.datasets.load("scenes", "test", data=tmp_path / "out")[0].shape == (5, 8, 12, 3)


def test_splits_with_other_classes_are_refused(scenes, tmp_path):
    root = tmp_path / "split" / "scenes"
    root.mkdir(parents=True)
    os.symlink(scenes / "scenes", root / "train")
    (root / "test" / "coast").mkdir(parents=True)
    Image.new("RGB", (9, 9)).save(root / "test" / "coast" / "1.png")
    with pytest.raises(ValueError, match=r"classes of the training images .*'coast', 'street'.*; got \['coast'\]"):
        zoo.datasets.prepare("scenes", data=root.parent, out=tmp_path / "out", size=8, progress=False)
    assert not list((tmp_path / "out").rglob("dataset_info.json"))


def test_broken_images_are_named_and_nothing_is_left(scenes, tmp_path):
    (scenes / "scenes" / "coast" / "1.png").write_text("hello")
    with pytest.raises(ValueError, match=r"(?s)1 of 5 images .*coast/1.png"):
        zoo.datasets.prepare("scenes", data=scenes, out=tmp_path / "out", size=8, progress=False)
    assert not list((tmp_path / "out").rglob("dataset_info.json"))
    with pytest.raises(ValueError, match="Unknown data set 'scenes'"):
        zoo.datasets.load("scenes", "train", data=tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("scenes", {}, ValueError, "Which size .* 'scenes'"),
        (
            "nowhere",
            {"size": 8},
            ValueError,
            "Unknown data set 'nowhere'. Expected cifar10, cifar100, citeseer.* or a folder",
        ),
        ("mnist_rot", {"size": 8}, ValueError, "images of mnist_rot have their size"),
        (
            "mnist_rot",
            {},
            FileNotFoundError,
            "No folder .*mnist_rot: nothing to prepare .* First run: zoo data prepare mnist_rot",
        ),
    ],
)
def test_refusals(scenes, tmp_path, name, options, error, message):
    with pytest.raises(error, match=message):
        zoo.datasets.prepare(name, data=scenes, out=tmp_path / "out", progress=False, **options)


def test_a_prepared_set_is_left_as_it_is(tiny_root, tmp_path):
    first = zoo.datasets.prepare("mnist_rot", data=tiny_root, out=tmp_path / "out", progress=False)
    times = {path: path.stat().st_mtime_ns for path in first.iterdir()}
    again = zoo.datasets.prepare("mnist_rot", data=tiny_root, out=tmp_path / "out", progress=False)
    assert first == again and times == {path: path.stat().st_mtime_ns for path in first.iterdir()}


SLOW = """
import sys, time
import zoo
from zoo.datasets.builders import common, mnist_rot

def slowly(images, labels):
    for item in common.examples(images, labels):
        yield item
        print("one", file=sys.__stdout__, flush=True)
        time.sleep(5)

mnist_rot.examples = slowly
zoo.datasets.prepare("mnist_rot", data=sys.argv[1], out=sys.argv[2], progress=False)
"""


def test_killed_while_preparing(tiny_root, tmp_path, root):
    """The process dies with its first example written; nothing is taken for a set, and the next run completes it."""
    command = [sys.executable, "-c", SLOW, str(tiny_root), str(tmp_path / "out")]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"one\n"
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
    assert list((tmp_path / "out" / "mnist_rot").iterdir())  # it had begun
    with pytest.raises(FileNotFoundError, match="No mnist_rot data in"):
        zoo.datasets.load("mnist_rot", "train", data=tmp_path / "out")
    zoo.datasets.prepare("mnist_rot", data=tiny_root, out=tmp_path / "out", progress=False)
    assert len(zoo.datasets.load("mnist_rot", "train", data=tmp_path / "out")[0]) == 20


def test_needs_no_tensorflow(tiny_root, tmp_path, root):
    """Checked where Keras runs on another backend; Keras on TensorFlow imports it by itself."""
    backend = {"tensorflow": "jax"}.get(keras.backend.backend(), keras.backend.backend())
    pytest.importorskip(backend, reason="needs a second backend")
    code = (
        "import sys\n"
        "from zoo.datasets import load, prepare\n"
        f"prepare('mnist_rot', data={str(tiny_root)!r}, out={str(tmp_path / 'out')!r}, progress=False)\n"
        f"print(len(load('mnist_rot', 'train', data={str(tmp_path / 'out')!r})[0]), 'tensorflow' in sys.modules)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(root), "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "20 False"
