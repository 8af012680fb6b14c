"""One image file to one picture: 8 bits a channel, grey or coloured, upright, opaque."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from zoo._paths import check_image_file

PathLike = str | os.PathLike[str]

_WHITE = 65_535  # of 16 bits
_DARK = 16_384  # below a quarter of white
_NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}
"""Formats that Pillow recognises, but reads only with another program if at all."""
_OTHERS = {
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "an archive or office document",
    b"version https://git-lfs": "the pointer of a file that Git LFS has not fetched",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML or SVG document",
    b"\x93NUMPY": "a NumPy array: pass np.load(...) itself",
}


def image_suffixes() -> frozenset[str]:
    """How the names of image files end, in lower case; documents that Pillow only writes, as PDF, are none."""
    Image.init()
    readable = set(Image.OPEN) - _NO_PICTURES
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in readable)


def open_image(path: Path, *, white: float | None = None, notes: list[str] | None = None) -> Image.Image:
    """Opens and decodes an image file: 8 bits a channel, upright, opaque.

    Args:
        path: the file.
        white: which value is white in files of more than 8 bits: 255, 4095, 65535, or 1.0 for fractions. None takes
            what a TIFF file says of itself, else 65535.
        notes: gets what is remarkable about the file; None for a warning instead.

    Returns:
        The picture, in the mode `"L"` or `"RGB"`.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: a folder, or a file that is no image, is truncated, or whose bits cannot be meant so.
    """
    check_image_file(path)
    return decode_image(path, path, white=white, notes=notes)


def decode_image(
    source: Path | io.BytesIO, name: object, *, white: float | None = None, notes: list[str] | None = None
) -> Image.Image:
    """Decodes a file or its content, as `open_image` does; `name` is what errors call it."""
    remarks: list[str] = []
    try:
        with Image.open(source) as file:
            if file.format in _NO_PICTURES:
                raise UnidentifiedImageError
            facts = _Facts(file)
            file.load()
            image = ImageOps.exif_transpose(file)
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} is no image that can be read (PNG, JPEG, ... expected){_kind_of(source)}.") from error
    except Image.DecompressionBombError as error:
        raise ValueError(
            f"{name} has too many pixels: {error} Make it smaller, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust it."
        ) from error
    except PermissionError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
        raise ValueError(f"{name} is a truncated or damaged image: {error}") from error
    if facts.frames > 1:
        remarks.append(f"{name} holds {facts.frames} pictures: the first is taken")
    image = _eight_bits(image, name, facts, white, remarks)
    ground = _opaque(image)
    if ground is not image and all(low == high for low, high in _extrema(ground)):
        remarks.append(
            f"{name} is transparent and of one colour on black, which is put behind it: save it on its ground"
        )
    image = _plain(ground, name)
    if notes is None and remarks:
        warnings.warn("; ".join(remarks), stacklevel=3)
    elif notes is not None:
        notes.extend(remarks)
    return image


class _Facts:
    """What a file says of itself that its pixels no longer show."""

    def __init__(self, file: Any) -> None:
        tags = getattr(file, "tag_v2", {})
        bits = max(_numbers(tags.get(258, 8)))
        largest = max(_numbers(tags.get(281, 0)))
        self.deep_colours = any(";16" in str(tile[3]) for tile in file.tile) and not file.mode.startswith(("I", "F"))
        self.white_is_zero = tags.get(262) == 0
        self.white = 2**bits - 1 if 8 < bits < 16 else None
        if bits in (16, 32) and 255 <= largest < _WHITE:
            self.white = largest
        try:
            self.frames = 1 if file.format == "MPO" else getattr(file, "n_frames", 1)  # a camera's preview
        except Exception:  # a damaged later frame
            self.frames = 1


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(int(one) for one in value) if isinstance(value, tuple | list) else (int(value),)


def _eight_bits(image: Any, name: object, facts: _Facts, white: float | None, remarks: list[str]) -> Any:
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image)
        scaled = _scaled(values, name, facts.white if white is None else white, remarks)
        return Image.fromarray(255 - scaled if facts.white_is_zero else scaled)
    highest = max(high for _, high in _extrema(image))
    if facts.deep_colours and highest < 16:
        remarks.append(
            f"{name} uses values below {256 * (highest + 1):,} of {_WHITE:,} and is nearly black: a coloured file of "
            "16 bits cannot be brightened here; save it with 8 bits a channel"
        )
    elif image.mode == "L" and highest == 1:
        remarks.append(f"{name} holds the values 0 and 1 of 255 and is black: was it meant as 0 and 255?")
    return image


def _extrema(image: Any) -> list[tuple[int, int]]:
    found = image.getextrema()
    return list(found[:3]) if isinstance(found[0], tuple) else [found]


def _scaled(values: np.ndarray, name: object, white: float | None, remarks: list[str]) -> np.ndarray:
    """Grey values of more than 8 bits as uint8."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError(f"{name} holds NaN or infinite pixels.")
    low, high = values.min(), values.max()
    if white is not None:
        if not white > 0:
            raise ValueError(f"Expected the value of white above 0; got white={white}.")
        if low < 0 or high > white:
            raise ValueError(f"Expected values from 0 to white={white:g} in {name}; got {low:g} to {high:g}.")
        return np.rint(values.astype("float64") * (255 / white)).astype(np.uint8)
    if values.dtype.kind == "f":
        raise ValueError(
            f"Expected 8 or 16 bits a channel in {name}; got floating-point pixels, {low:g} to {high:g}. Say which "
            "value is white, as in white=1.0 (--white 1), or save it as PNG."
        )
    if low < 0 or high > _WHITE:
        raise ValueError(
            f"Expected 8 or 16 bits a channel in {name}; got values {low}..{high}. Say which value is white, as in "
            f"white={2 ** int(high).bit_length() - 1} (--white), or save it with 8 bits."
        )
    if 0 < high < _DARK:
        likely = next(2**bits - 1 for bits in (8, 10, 12, 14) if high < 2**bits)
        used = f"{name} uses values up to {high:,} of {_WHITE:,}"
        advice = f"say white={likely} (--white {likely}) if that is its white, white={_WHITE} if it is as it shall be"
        if high < 256:
            raise ValueError(f"{used} and would be black: {advice}.")
        remarks.append(f"{used} and {'is nearly black' if high < 4096 else 'comes out dark'}: {advice}")
    return (values // 257).astype(np.uint8)


def _opaque(image: Any) -> Any:
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)


def _plain(image: Any, name: object) -> Any:
    """Grey or red, green and blue, whatever the file has (palettes, CMYK, YCbCr, ...)."""
    try:
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    except ValueError as error:  # CIE Lab
        raise ValueError(f"{name} has colours of the kind {image.mode}, which are not read: save it as RGB.") from error


def _kind_of(source: Path | io.BytesIO) -> str:
    """What a file that is no image seems to be."""
    start = source.getvalue()[:64] if isinstance(source, io.BytesIO) else source.open("rb").read(64)
    if not start:
        return "; it is empty"
    if start[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1"):
        return "; it is a HEIC photograph: convert it to JPEG"
    return next((f"; it is {kind}" for magic, kind in _OTHERS.items() if start.lstrip().startswith(magic)), "")
