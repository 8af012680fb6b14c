from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo.datasets import load_folder

pytestmark = pytest.mark.once


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
        with pytest.raises(ValueError, match="Expected `size` to be"):
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


def test_links_are_followed(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    Image.new("RGB", (20, 20)).save(other / "x.png")
    (folder / "linked").symlink_to(other)
    (folder / "coast" / "9.png").symlink_to(other / "x.png")
    images, labels, names = load_folder(folder, size=8)
    assert names == ["coast", "linked", "street"] and labels.tolist() == [0, 0, 0, 0, 1, 2, 2]


def test_images_of_no_class_are_named(folder):
    Image.new("RGB", (20, 20)).save(folder / "beside.png")
    (folder / "coast" / "more").mkdir()
    Image.new("RGB", (20, 20)).save(folder / "coast" / "more" / "below.png")
    (folder / "lost").symlink_to("/nowhere")
    (folder / "round.png").symlink_to(folder / "round.png")  # a link to itself
    (folder / "letter.pdf").write_text("%PDF-1.7")
    (folder / "coast" / "notes.pdf").write_text("%PDF-1.7")
    with pytest.warns(
        UserWarning, match=r"beside.png, coast/more/below.png, lost \(a broken link.*, round.png \(a broken"
    ) as found:
        assert len(load_folder(folder, size=8)[0]) == 5
    assert "pdf" not in str(found[0].message)
    (folder / "only").mkdir()
    (folder / "coast" / "more").rename(folder / "only" / "deeper")
    with pytest.raises(ValueError, match=r"none in: only. Images .*: beside.png, .*only/deeper/below.png"):
        load_folder(folder, size=8)


def test_what_cannot_be_read_is_listed_skipped_or_stops(folder):
    (folder / "coast" / "0.png").write_text("hello")
    (folder / "coast" / "7.png").symlink_to("/nowhere/7.png")
    with pytest.raises(ValueError, match=r"(?s)2 of 6 .* \(on_error='skip'\):.*0.png is no image.*7.png is a link"):
        load_folder(folder, size=8)
    with pytest.raises(ValueError, match="^[^\n]*0.png is no image[^\n]*$"):
        load_folder(folder, size=8, on_error="stop")
    with pytest.warns(UserWarning, match=r"(?s)2 of 6 images .* left out:.*0.png is no image.*7.png is a link"):
        images, labels, names = load_folder(folder, size=8, on_error="skip")
    assert labels.tolist() == [0, 0, 1, 1] and images.shape[0] == 4 and names == ["coast", "street"]
    (folder / "coast" / "1.png").write_text("hello")
    (folder / "coast" / "2.png").write_text("hello")
    with pytest.raises(ValueError, match="none is left in: coast"):
        load_folder(folder, size=8, on_error="skip")
    with pytest.raises(ValueError, match="on_error to be one of list, skip, stop; got 'ignore'"):
        load_folder(folder, size=8, on_error="ignore")


def test_dark_files_of_sixteen_bits(folder):
    Image.fromarray(np.full((20, 20), 4095, np.uint16)).save(folder / "coast" / "0.png")
    with pytest.warns(UserWarning, match="0.png uses values up to 4,095 of 65,535"):
        load_folder(folder, size=8)
    assert load_folder(folder, size=8, white=4095)[0][0].min() == 255
