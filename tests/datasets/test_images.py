from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from zoo.datasets.images import read_images

GREY = (28, 28, 1)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)


def test_png_is_read_exactly(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(pixels.T).save(tmp_path / "b.png")
    batch = read_images([tmp_path / "a.png", str(tmp_path / "b.png")], GREY)
    assert batch.dtype == np.uint8
    np.testing.assert_array_equal(batch[..., 0], [pixels, pixels.T])


def test_one_path_is_a_batch_of_one(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert read_images(tmp_path / "a.png", GREY).shape == (1, 28, 28, 1)
    assert read_images(str(tmp_path / "a.png"), GREY).shape == (1, 28, 28, 1)


def test_grey_and_colour_become_what_the_model_needs(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([pixels] * 3, -1)).save(tmp_path / "colour.png")
    np.testing.assert_array_equal(read_images([tmp_path / "colour.png"], GREY)[0, ..., 0], pixels)
    colour = read_images([tmp_path / "grey.png"], (28, 28, 3))
    np.testing.assert_array_equal(colour[0], np.stack([pixels] * 3, -1))


def test_sixteen_bits_are_scaled(tmp_path, pixels):
    Image.fromarray(pixels.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_images([tmp_path / "deep.png"], GREY)[0, ..., 0], pixels)


def test_transparent_is_black(tmp_path):
    rgba = np.full((28, 28, 4), 255, np.uint8)
    rgba[:14, :, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "a.png")
    batch = read_images([tmp_path / "a.png"], GREY)
    assert batch[0, :14].max() == 0 and batch[0, 14:].min() == 255


def test_jpeg_with_camera_orientation(tmp_path):
    image = Image.fromarray(np.repeat(np.array([[0] * 14 + [255] * 14], np.uint8), 28, axis=0))  # right half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise: the lower half is white
    image.save(tmp_path / "a.jpg", exif=exif)
    batch = read_images([tmp_path / "a.jpg"], GREY)
    assert batch[0, :10].mean() < 10 and batch[0, 18:].mean() > 245


def test_other_size_is_resized_with_a_warning(tmp_path):
    for name in "abcde":
        Image.new("L", (56, 84), 100).save(tmp_path / f"{name}.png")
    with pytest.warns(UserWarning, match=r"Resized to 28x28: a.png \(56x84\), .* and 2 more"):
        batch = read_images(sorted(tmp_path.glob("*.png")), GREY)
    assert (batch == 100).all()


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="No such image file: .*gone.png"):
        read_images([tmp_path / "gone.png"], GREY)


def test_folder(tmp_path):
    with pytest.raises(ValueError, match="is a folder"):
        read_images([tmp_path], GREY)


def test_no_image(tmp_path):
    (tmp_path / "a.png").write_text("hello")
    with pytest.raises(ValueError, match="a.png is no image"):
        read_images([tmp_path / "a.png"], GREY)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp"])
def test_truncated_image(tmp_path, pixels, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(ValueError, match="truncated or damaged|is no image"):
        read_images([path], GREY)


def test_empty_list():
    with pytest.raises(ValueError, match="at least one image file"):
        read_images([], GREY)


def test_floating_point_picture(tmp_path):
    Image.fromarray(np.zeros((28, 28), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ValueError, match="floating-point pixels"):
        read_images([tmp_path / "a.tif"], GREY)


def test_other_channel_counts():
    with pytest.raises(ValueError, match="1 .grey. or 3 .colour. channels; the model expects 4"):
        read_images(["a.png"], (28, 28, 4))
