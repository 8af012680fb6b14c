from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo.datasets
from zoo.datasets import sheets

pytestmark = pytest.mark.once


# Seven training images on three sheets of 1 x 3 tiles, five test images on two; tiles of 4 x 4.
SMALL = sheets.Sheets(
    name="small",
    suffix="webp",
    tile=4,
    rows=1,
    columns=3,
    channels=3,
    classes=4,
    train=7,
    learn=4,
    test=5,
    repeated="again",
)


def numbered(count: int, channels: int) -> np.ndarray:
    """Images that differ in every pixel."""
    return np.arange(count * 16 * channels, dtype=np.uint8).reshape(count, 4, 4, channels)


def write(folder: Path, kind: sheets.Sheets) -> tuple[np.ndarray, np.ndarray]:
    """Pastes tile by tile, as the description of the format says it."""
    folder.mkdir(parents=True)
    halves = {"train": numbered(kind.train, kind.channels), "test": 255 - numbered(kind.test, kind.channels)}
    for half, images in halves.items():
        size = kind.rows * kind.columns
        for number in range(-(-len(images) // size)):
            sheet = np.zeros((kind.rows * 4, kind.columns * 4, kind.channels), np.uint8)
            for k, image in enumerate(images[number * size : (number + 1) * size]):
                row, column = k // kind.columns, k % kind.columns
                sheet[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = image
            picture = Image.fromarray(sheet[..., 0] if kind.channels == 1 else sheet)
            picture.save(folder / f"{half}_{number:02d}.{kind.suffix}", lossless=True)
    labels = {f"y_{half}": np.arange(len(images), dtype=np.uint8) % kind.classes for half, images in halves.items()}
    np.savez(folder / "labels.npz", again=np.array([1, 3]), **labels)
    return halves["train"], halves["test"]


@pytest.mark.parametrize("changes", [{}, {"channels": 1, "suffix": "png"}, {"rows": 2, "columns": 2}])
def test_every_split(tmp_path, changes):
    kind = dataclasses.replace(SMALL, **changes)
    train, test = write(tmp_path / "small", kind)
    expected = {
        "train": (train[:4], [0, 1, 2, 3]),
        "validation": (train[4:], [0, 1, 2]),
        "train+validation": (train, [0, 1, 2, 3, 0, 1, 2]),
        "test": (test[[0, 2, 4]], [0, 2, 0]),
        "test+repeated": (test, [0, 1, 2, 3, 0]),
    }
    assert tuple(expected) == kind.splits
    for split, (images, labels) in expected.items():
        x, y = sheets.read(tmp_path / "small", kind, split)
        np.testing.assert_array_equal(x, images, err_msg=split)
        np.testing.assert_array_equal(y, labels, err_msg=split)
        assert x.dtype == np.uint8 and y.dtype == np.int64


def test_only_the_needed_sheets_are_opened(tmp_path):
    write(tmp_path / "small", SMALL)
    (tmp_path / "small" / "train_00.webp").unlink()
    assert len(sheets.read(tmp_path / "small", SMALL, "validation")[0]) == 3
    with pytest.raises(FileNotFoundError, match=r"Sheets of small are missing in .*: train_00.webp\."):
        sheets.read(tmp_path / "small", SMALL, "train")


def test_without_repeated_images_test_is_whole(tmp_path):
    kind = dataclasses.replace(SMALL, repeated=None)
    write(tmp_path / "small", kind)
    assert len(sheets.read(tmp_path / "small", kind, "test")[0]) == 5
    with pytest.raises(ValueError, match=r"Unknown split 'test\+repeated' of small. Expected one of: .*, test\."):
        sheets.read(tmp_path / "small", kind, "test+repeated")


def test_no_files(tmp_path):
    (tmp_path / "cifar10").mkdir()
    with pytest.raises(FileNotFoundError, match=r"No cifar10 data in .* cifar10.npz, or labels.npz and sheets"):
        zoo.datasets.load("cifar10", "train", data=tmp_path)


def test_other_labels(tmp_path):
    write(tmp_path / "small", SMALL)
    with pytest.raises(ValueError, match=r"Expected 8 labels in 0\.\.3 as y_train .* got shape \(7,\)"):
        sheets.read(tmp_path / "small", dataclasses.replace(SMALL, train=8), "train")
    with pytest.raises(ValueError, match=r"Expected 7 labels in 0\.\.1"):
        sheets.read(tmp_path / "small", dataclasses.replace(SMALL, classes=2), "train")


def test_sheet_of_another_size(tmp_path):
    write(tmp_path / "small", SMALL)
    Image.new("RGB", (12, 8)).save(tmp_path / "small" / "test_01.webp")
    with pytest.raises(ValueError, match=r"Expected a sheet of 12x4 pixels in .*test_01.webp; got 12x8"):
        sheets.read(tmp_path / "small", SMALL, "test")


def test_truncated_sheet(tmp_path):
    write(tmp_path / "small", SMALL)
    path = tmp_path / "small" / "train_02.webp"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"train_02.webp is (a truncated or damaged|no) image"):
        sheets.read(tmp_path / "small", SMALL, "validation")


ROOT = Path(os.environ.get("ZOO_DATA", "/nowhere"))


def needs(name: str) -> pytest.MarkDecorator:
    there = (ROOT / name / "labels.npz").is_file()
    return pytest.mark.skipif(not there, reason=f"set ZOO_DATA to a folder with {name}/labels.npz")


@needs("cifar10")
def test_cifar10_is_exact():
    x, y = zoo.datasets.load("cifar10", "test")
    digest = hashlib.sha256(x.tobytes()).hexdigest()
    assert digest == "de6b41be197c6421a5ba81ebece1cdb0c79bc2303d137eae215cbac2535d208c"
    assert np.bincount(y).tolist() == [1000] * 10
    assert zoo.datasets.load("cifar10", "validation")[0].shape == (5000, 32, 32, 3)


@needs("scene15")
def test_scene15_is_what_its_facts_say():
    assert zoo.datasets.load("scene15", "test")[0].shape == (2974, 128, 128, 1)
    x, y = zoo.datasets.load("scene15", "train+validation")
    assert abs(x.mean() / 255 - 0.458) < 0.001 and np.bincount(y).tolist() == [100] * 15


@needs("sun16")
def test_sun16_is_what_its_facts_say():
    x, y = zoo.datasets.load("sun16", "train+validation")
    np.testing.assert_allclose(x.mean(axis=(0, 1, 2)) / 255, [0.4912, 0.4684, 0.4285], atol=1e-3)
    assert np.bincount(y).min() == 44 and len(np.unique(y)) == 16
    assert zoo.datasets.load("sun16", "test")[0].shape == (781, 96, 96, 3)


@pytest.mark.parametrize("name", ["cifar10", "scene15", "sun16"])
def test_class_names_are_those_of_the_files(name):
    if not (ROOT / name / "labels.npz").is_file():
        pytest.skip(f"set ZOO_DATA to a folder with {name}/labels.npz")
    with np.load(ROOT / name / "labels.npz") as stored:
        assert tuple(stored["class_names"].tolist()) == zoo.datasets.CLASS_NAMES[name]
