from __future__ import annotations

import numpy as np
import pytest

import zoo.datasets
from zoo.datasets import mnist_rot

pytestmark = pytest.mark.once


@pytest.mark.parametrize(("split", "count"), [("train", 20), ("validation", 4), ("train+validation", 24), ("test", 10)])
def test_splits(tiny_root, split, count):
    x, y = zoo.datasets.load("mnist_rot", split, data=tiny_root)
    assert x.shape == (count, 28, 28, 1) and x.dtype == np.uint8
    assert y.shape == (count,) and y.dtype == np.int64


def test_validation_is_the_tail(tiny_root):
    parts = [zoo.datasets.load("mnist_rot", split, data=tiny_root)[0] for split in ("train", "validation")]
    whole = zoo.datasets.load("mnist_rot", "train+validation", data=tiny_root)[0]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_environment_names_the_folder(tiny_root, monkeypatch):
    monkeypatch.setenv("ZOO_DATA", str(tiny_root))
    assert len(zoo.datasets.load("mnist_rot", "test")[0]) == 10


def test_no_folder_given(monkeypatch):
    monkeypatch.delenv("ZOO_DATA", raising=False)
    with pytest.raises(ValueError, match="set ZOO_DATA to the folder that holds mnist_rot/"):
        zoo.datasets.load("mnist_rot", "test")


def test_folder_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist. It should hold mnist_rot/"):
        zoo.datasets.load("mnist_rot", "test", data=tmp_path / "nowhere")


def test_files_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="Put mnist_rot.npz there"):
        zoo.datasets.load("mnist_rot", "test", data=tmp_path)


def test_unknown_set(tiny_root):
    with pytest.raises(ValueError, match="'mnist_rott'. Did you mean 'mnist_rot'"):
        zoo.datasets.load("mnist_rott", "test", data=tiny_root)


def test_unknown_split(tiny_root):
    with pytest.raises(ValueError, match="Unknown split 'dev' of mnist_rot. Expected one of: train, validation"):
        zoo.datasets.load("mnist_rot", "dev", data=tiny_root)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "text", "empty"])
def test_damaged_npz(tiny_root, damage):
    path = tiny_root / "mnist_rot" / "mnist_rot.npz"
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[len(content) // 4] ^= 0xFF
    path.write_bytes({"truncated": content[:-500], "flipped": content, "text": b"hello", "empty": b""}[damage])
    with pytest.raises(ValueError, match="damaged or of another kind"):
        zoo.datasets.load("mnist_rot", "train", data=tiny_root)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_test": np.zeros((2, 28, 28), np.uint8)}, "y_test"),
        ({"x_test": np.zeros((2, 32, 32), np.uint8), "y_test": np.zeros(2)}, r"shape \(N, 28, 28\)"),
        ({"x_test": np.zeros((2, 28, 28), np.uint8), "y_test": np.zeros(3)}, "2 labels in 0..9"),
        ({"x_test": np.zeros((2, 28, 28), np.uint8), "y_test": np.full(2, 10)}, "2 labels in 0..9"),
    ],
)
def test_other_npz(tiny_root, arrays, message):
    np.savez(tiny_root / "mnist_rot" / "mnist_rot.npz", **arrays)
    with pytest.raises(ValueError, match=message):
        zoo.datasets.load("mnist_rot", "test", data=tiny_root)


def write_amat(path, images, labels) -> None:
    table = np.concatenate([images.reshape(len(images), -1) / 255.0, labels[:, None]], axis=1)
    np.savetxt(path, table, fmt="%.6f")


def test_classic_files(tmp_path):
    folder = tmp_path / "mnist_rot"
    folder.mkdir()
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (12, 28, 28), dtype=np.uint8), np.arange(12) % 10
    write_amat(folder / mnist_rot.CLASSIC_TRAIN, images, labels)
    write_amat(folder / mnist_rot.CLASSIC_TEST, images[:5], labels[:5])
    x, y = zoo.datasets.load("mnist_rot", "train", data=tmp_path)
    np.testing.assert_array_equal(x[..., 0], images[:10])
    np.testing.assert_array_equal(y, labels[:10])
    assert len(zoo.datasets.load("mnist_rot", "test", data=tmp_path)[0]) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not numbers at all", "no table of numbers"),
        ("0.5 0.5 3", "got 3 columns"),
        (" ".join(["2.0"] * 784 + ["3"]), r"pixels in \[0, 1\]"),
        (" ".join(["nan"] * 784 + ["3"]), r"pixels in \[0, 1\]"),
        (" ".join(["0.5"] * 784 + ["11"]), "labels in 0..9"),
    ],
)
def test_other_text(tmp_path, text, message):
    path = tmp_path / "x.amat"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        mnist_rot.read_amat(path)
