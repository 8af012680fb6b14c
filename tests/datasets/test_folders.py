from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import load_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes; wide pictures whose middle third is red."""
    for name, count in (("street", 2), ("coast", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            picture = np.zeros((20, 60, 3), np.uint8)
            picture[:, 20:40, 0] = 200
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_classes_in_alphabetical_order(folder):
    images, labels, names = load_folder(folder, size=20)
    assert names == ["coast", "street"] and labels.tolist() == [0, 0, 0, 1, 1]
    assert images.shape == (5, 20, 20, 3) and images.dtype == np.uint8 and labels.dtype == np.int64


def test_the_centre_is_kept(folder):
    images = load_folder(folder, size=20)[0]
    assert (images[..., 0] == 200).all() and (images[..., 1:] == 0).all()


def test_sizes_and_grey(folder):
    assert load_folder(folder, size=(10, 30), grayscale=True)[0].shape == (5, 10, 30, 1)
    for size in (0, (3, 4, 5), (3, -1)):
        with pytest.raises(ValueError, match="Expected a size in pixels"):
            load_folder(folder, size=size)


def test_other_files_are_passed_over(folder):
    (folder / "README.txt").write_text("hello")
    (folder / "coast" / "Thumbs.db").write_text("hello")
    (folder / "coast" / ".hidden.png").write_text("hello")
    (folder / ".cache").mkdir()
    assert len(load_folder(folder, size=8)[0]) == 5


def test_every_broken_image_is_named(folder):
    (folder / "coast" / "1.png").write_text("hello")
    path = folder / "street" / "0.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"(?s)2 of 5 images in .* cannot be read.*coast/1.png.*street/0.png"):
        load_folder(folder, size=8)


def test_folders_of_another_kind(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="No such folder"):
        load_folder(tmp_path / "gone", size=8)
    with pytest.raises(ValueError, match="a sub-folder of images for each class"):
        load_folder(folder / "coast", size=8)
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="none in: empty"):
        load_folder(folder, size=8)
