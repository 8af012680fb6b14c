from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import zoo.datasets

pytestmark = pytest.mark.once


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, np.ndarray]:
    arrays = {
        "x": np.random.default_rng(0).integers(0, 256, (900, 28, 28), dtype=np.uint8),
        "y": np.repeat(np.arange(10, dtype=np.uint8), 90),
    }
    write(tmp_path, arrays)
    return arrays


def write(root: Path, arrays: dict[str, np.ndarray]) -> None:
    (root / "fashion_mnist_mini").mkdir(exist_ok=True)
    np.savez(root / "fashion_mnist_mini" / "fashion_mnist_mini.npz", **arrays)


@pytest.mark.parametrize(
    ("split", "start", "stop"),
    [("train", 0, 60), ("validation", 60, 75), ("train+validation", 0, 75), ("test", 75, 90), ("all", 0, 90)],
)
def test_splits_are_balanced_and_classes_take_turns(tmp_path, stored, split, start, stop):
    x, y = zoo.datasets.load("fashion_mnist_mini", split, data=tmp_path)
    np.testing.assert_array_equal(y, np.tile(np.arange(10), stop - start))
    np.testing.assert_array_equal(x[::10, ..., 0], stored["x"][start:stop])
    np.testing.assert_array_equal(x[9::10, ..., 0], stored["x"][810 + start : 810 + stop])
    assert x.shape[1:] == (28, 28, 1) and y.dtype == np.int64


def test_refusals(tmp_path, stored):
    with pytest.raises(ValueError, match="Unknown split 'dev' of fashion_mnist_mini. Expected one of: all, train"):
        zoo.datasets.load("fashion_mnist_mini", "dev", data=tmp_path)
    write(tmp_path, stored | {"y": stored["y"][::-1]})
    with pytest.raises(ValueError, match="each of 0..9 ninety times"):
        zoo.datasets.load("fashion_mnist_mini", "train", data=tmp_path)
    write(tmp_path, stored | {"x": stored["x"][:50]})
    with pytest.raises(ValueError, match=r"\(900, 28, 28\) uint8 .* got \(50, 28, 28\) uint8"):
        zoo.datasets.load("fashion_mnist_mini", "train", data=tmp_path)
    (tmp_path / "fashion_mnist_mini" / "fashion_mnist_mini.npz").unlink()
    with pytest.raises(FileNotFoundError, match="expected fashion_mnist_mini.npz"):
        zoo.datasets.load("fashion_mnist_mini", "train", data=tmp_path)


FILE = Path(os.environ.get("ZOO_DATA", "/nowhere"), "fashion_mnist_mini", "fashion_mnist_mini.npz")


@pytest.mark.skipif(not FILE.is_file(), reason="set ZOO_DATA to a folder with fashion_mnist_mini")
def test_the_file_itself():
    x = zoo.datasets.load("fashion_mnist_mini", "all")[0]
    assert abs(x.mean() / 255 - 0.2823) < 1e-4
    with np.load(FILE) as archive:
        assert tuple(archive["class_names"].tolist()) == zoo.datasets.CLASS_NAMES["fashion_mnist_mini"]
