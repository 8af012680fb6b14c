from __future__ import annotations

import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from zoo.datasets.images import decode_images, read_each, read_images

pytestmark = pytest.mark.once


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


def test_black_ink_on_a_transparent_ground_is_warned_of(tmp_path, pixels):
    ink = np.zeros((28, 28, 4), np.uint8)
    ink[..., 3] = pixels
    Image.fromarray(ink).save(tmp_path / "ink.png")
    with pytest.warns(UserWarning, match="ink.png is transparent and of one colour on black"):
        assert not read_images([tmp_path / "ink.png"], GREY).any()


def test_jpeg_with_camera_orientation(tmp_path):
    image = Image.fromarray(np.repeat(np.array([[0] * 14 + [255] * 14], np.uint8), 28, axis=0))  # right half white
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise: the lower half is white
    image.save(tmp_path / "a.jpg", exif=exif)
    batch = read_images([tmp_path / "a.jpg"], GREY)
    assert batch[0, :10].mean() < 10 and batch[0, 18:].mean() > 245


def test_a_long_picture_is_squeezed_with_a_warning(tmp_path):
    for name in "abcde":
        Image.new("L", (56, 112), 100).save(tmp_path / f"{name}.png")
    with pytest.warns(UserWarning, match=r"squeezed to 28x28: a.png \(56x112\), .* and 2 more\. Cut out"):
        batch = read_images(sorted(tmp_path.glob("*.png")), GREY)
    assert (batch == 100).all()


@pytest.mark.parametrize(
    ("size", "warned"), [((84, 56), False), ((640, 480), False), ((7, 7), False), ((90, 50), True)]
)
def test_an_ordinary_picture_of_another_size_is_resized_without_a_word(tmp_path, size, warned):
    Image.new("L", size, 100).save(tmp_path / "a.png")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert (read_images([tmp_path / "a.png"], GREY) == 100).all()
    assert bool(caught) == warned


def test_a_huge_picture_loses_what_is_in_it(tmp_path):
    Image.new("L", (2000, 2000), 100).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="Much is lost when squeezed to 28x28"):
        read_images([tmp_path / "a.png"], GREY)


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


def test_any_size_needs_a_choice():
    with pytest.raises(ValueError, match=r"a fixed height and width .* got \(None, None, 1\)"):
        read_images(["a.png"], (None, None, 1))


RAMP = np.tile(np.arange(0, 256, 4, dtype=np.uint16), (64, 1))
SQUARE = (64, 64, 1)


@pytest.mark.parametrize("name", ["8.png", "8.tif", "8 of 32.tif"])
def test_sixteen_bits_of_which_eight_are_used_are_refused(tmp_path, name):
    Image.fromarray(RAMP.astype("int32") if "32" in name else RAMP).save(tmp_path / name)
    with pytest.raises(ValueError, match=r"uses values up to 252 of 65,535 and would be black: say white=255 "):
        read_images([tmp_path / name], SQUARE)
    found = read_images([tmp_path / name], SQUARE, white=255)
    np.testing.assert_array_equal(found[0, ..., 0], RAMP)
    assert read_images([tmp_path / name], SQUARE, white=65535).max() == 1


@pytest.mark.parametrize(("factor", "white", "words"), [(4, 1023, "nearly"), (16, 4095, "nearly"), (64, 16383, "dark")])
def test_ten_to_fourteen_bits_are_warned_of(tmp_path, factor, white, words):
    Image.fromarray(RAMP * factor).save(tmp_path / "a.png")
    with pytest.warns(UserWarning, match=rf"a.png uses values up to {252 * factor:,} .*{words}.*say white={white}"):
        read_images([tmp_path / "a.png"], SQUARE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_images([tmp_path / "a.png"], SQUARE, white=white)
    assert found.max() == np.rint(252 * factor * 255 / white)


def test_black_and_whole_ranges_are_no_surprise(tmp_path):
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(tmp_path / "black.png")
    Image.fromarray(RAMP * 257).save(tmp_path / "whole.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_images([tmp_path / "black.png"], SQUARE).max() == 0
        assert read_images([tmp_path / "whole.png"], SQUARE).max() == 252


def test_a_tiff_says_its_white(tmp_path):
    Image.fromarray(RAMP * 16).save(tmp_path / "a.tif", tiffinfo={281: 4095})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_images([tmp_path / "a.tif"], SQUARE).max() == 251
    Image.fromarray(RAMP * 257).save(tmp_path / "b.tif", tiffinfo={262: 0})  # white is zero
    assert read_images([tmp_path / "b.tif"], SQUARE)[0, 0, 0, 0] == 255


def test_fractions_need_their_white(tmp_path):
    Image.fromarray(RAMP.astype("float32") / 255).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_images([tmp_path / "a.tif"], SQUARE, white=1.0)[0, ..., 0], RAMP)
    with pytest.raises(ValueError, match=r"from 0 to white=0.5 in .*; got 0 to 0.98"):
        read_images([tmp_path / "a.tif"], SQUARE, white=0.5)
    Image.fromarray(np.full((4, 4), np.nan, "float32")).save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match="NaN"):
        read_images([tmp_path / "b.tif"], SQUARE, white=1.0)


def sixteen_bit_colours(values: np.ndarray) -> bytes:
    """A PNG file with three channels of 16 bits, which Pillow cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("factor", [1, 16])
def test_dark_colours_of_sixteen_bits_are_warned_of(tmp_path, factor):
    (tmp_path / "a.png").write_bytes(sixteen_bit_colours(np.stack([RAMP * factor] * 3, -1)))
    with pytest.warns(UserWarning, match=r"a.png uses values below [0-9,]+ of 65,535 and is nearly black"):
        read_images([tmp_path / "a.png"], (64, 64, 3))


def test_a_mask_of_zeros_and_ones_is_warned_of(tmp_path, pixels):
    Image.fromarray((pixels > 100).astype(np.uint8)).save(tmp_path / "mask.png")
    with pytest.warns(UserWarning, match="mask.png holds the values 0 and 1 of 255"):
        read_images([tmp_path / "mask.png"], GREY)


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "YCbCr", "LA", "RGBA", "PA"])
def test_every_mode_gives_the_same_picture(tmp_path, mode):
    picture = Image.new("RGB", (28, 28), "black")
    picture.paste("white", (14, 0, 28, 28))
    suffix = {"CMYK": "tif", "YCbCr": "jpg", "PA": "gif"}.get(mode, "png")
    picture.convert("P" if mode == "PA" else mode).save(tmp_path / f"a.{suffix}")
    for shape in ((28, 28, 1), (28, 28, 3)):
        found = read_images([tmp_path / f"a.{suffix}"], shape)
        assert found[0, :, :12].max() < 6 and found[0, :, 16:].min() > 249


def test_of_several_pictures_the_first_is_taken(tmp_path):
    first, second = Image.new("L", (28, 28), 10), Image.new("L", (28, 28), 200)
    for name in ("a.gif", "a.tif", "a.webp"):
        first.save(tmp_path / name, save_all=True, append_images=[second])
        with pytest.warns(UserWarning, match=f"{name} holds 2 pictures: the first is taken"):
            assert abs(int(read_images([tmp_path / name], GREY).max()) - 10) < 3


def test_what_is_no_image_is_called_by_its_name(tmp_path):
    for content, words in {b"%PDF-1.7": "a PDF document", b"": "it is empty", b"hello": "expected"}.items():
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(ValueError, match=rf"a.png is no image .*{words}"):
            read_images([tmp_path / "a.png"], GREY)
    with pytest.raises(ValueError, match=r"image 0 is no image .*a PDF document"):
        decode_images([b"%PDF-1.7"], GREY)


def test_too_many_pixels_are_no_damage(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("1", (28, 28)).save(tmp_path / "large.png")
    with pytest.raises(ValueError, match=r"large.png has too many pixels: .*784.* Make it smaller"):
        read_images([tmp_path / "large.png"], GREY)


def test_links_and_pipes(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "good.png").symlink_to(tmp_path / "a.png")
    (tmp_path / "broken.png").symlink_to("/nowhere/c.png")
    os.mkfifo(tmp_path / "pipe.png")
    images, errors = read_each(sorted(tmp_path.glob("*.png")), GREY)
    assert errors[0] is None and errors[2] is None
    np.testing.assert_array_equal(images[2, ..., 0], pixels)
    assert "broken.png is a link to /nowhere/c.png, which does not exist" in errors[1]
    assert "is a pipe or device" in errors[3] and images[3].max() == 0


def test_all_faults_come_in_one_error(tmp_path, pixels):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("hello")
    with pytest.raises(ValueError, match=r"(?s)2 of 3 images cannot be read:\n.*b.png is no image.*gone.png"):
        read_images([tmp_path / name for name in ("a.png", "b.png", "gone.png")], GREY)
