"""Decoding in TensorFlow's graph against `zoo.datasets.read_images`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import read_images
from zoo.exporting.pictures import decode_batch

pytestmark = pytest.mark.once

tf = pytest.importorskip("tensorflow")
KINDS = ("L.png", "LA.png", "RGB.png", "RGBA.png", "P.png", "1.png", "L.jpg", "RGB.jpg")


def picture(kind: str, folder: Path, height: int, width: int) -> Path:
    mode, _, suffix = kind.partition(".")
    generator = np.random.default_rng(0)
    channels = {"L": 1, "LA": 2, "RGBA": 4}.get(mode, 3)
    coarse = generator.integers(0, 256, (5, 6, channels)).repeat(40, axis=0).repeat(50, axis=1)
    values = coarse[:height, :width].astype("uint8")
    image = Image.fromarray(values[..., 0] if channels == 1 else values)
    path = folder / f"{height}.{suffix}"
    (image.convert(mode) if image.mode != mode else image).save(path)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_pillow_without_resizing(kind: str, channels: int, tmp_path: Path) -> None:
    path = picture(kind, tmp_path, 28, 30)
    expected = read_images(path, (28, 30, channels))
    actual = decode_batch(tf.constant([path.read_bytes()]), (28, 30, channels)).numpy()
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.filterwarnings("ignore:Much is lost")
@pytest.mark.parametrize("size", [(90, 61), (13, 200)])
def test_one_level_of_pillow_with_resizing(size: tuple[int, int], tmp_path: Path) -> None:
    path = picture("RGB.png", tmp_path, *size)
    expected = read_images(path, (28, 28, 3)).astype("float32")
    actual = decode_batch(tf.constant([path.read_bytes()]), (28, 28, 3)).numpy()
    assert np.abs(actual - expected).max() <= 1 and actual.std() > 10


def test_sixteen_bits_differ_by_one_level_at_most(tmp_path: Path) -> None:
    values = np.linspace(0, 65_535, 28 * 28).reshape(28, 28).astype("uint16")
    Image.fromarray(values).save(tmp_path / "deep.png")
    expected = read_images(tmp_path / "deep.png", (28, 28, 1)).astype("float32")
    actual = decode_batch(tf.constant([(tmp_path / "deep.png").read_bytes()]), (28, 28, 1)).numpy()
    assert np.abs(actual - expected).max() <= 1


def test_pictures_of_several_sizes_and_kinds_make_one_batch(tmp_path: Path) -> None:
    files = [picture("RGB.png", tmp_path, 50, 60), picture("L.jpg", tmp_path, 20, 20)]
    batch = decode_batch(tf.constant([file.read_bytes() for file in files]), (28, 28, 1))
    assert batch.shape == (2, 28, 28, 1) and batch.dtype == tf.float32
