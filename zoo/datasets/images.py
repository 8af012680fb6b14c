"""Image files as model input."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

PathLike = str | os.PathLike[str]


def read_images(paths: PathLike | Sequence[PathLike], shape: tuple[int | None, ...]) -> np.ndarray:
    """Reads image files of any kind Pillow knows into one batch.

    Camera orientation is applied, transparency becomes black, 16-bit grey is scaled to 8 bits, colour is turned to
    grey or grey to colour as the model needs. An image of another size is resized (bilinear, antialiased, without
    keeping the aspect ratio) and a warning says so.

    Args:
        paths: one file or several.
        shape: the model's `(height, width, channels)`, with 1 or 3 channels.

    Returns:
        uint8 of shape `(N, height, width, channels)`.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: no files, a folder, a file that is no image or is truncated, no fixed size, or channels
            other than 1 or 3.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "grey.png"
        >>> Image.new("L", (28, 28), 200).save(path)
        >>> read_images([path], (28, 28, 1)).shape
        (1, 28, 28, 1)
    """
    height, width, channels = fixed_shape(shape)
    files = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not files:
        raise ValueError("Expected at least one image file; got an empty list.")
    batch = np.empty((len(files), height, width, channels), np.uint8)
    resized = []
    for index, file in enumerate(files):
        image = open_image(file)
        if image.size != (width, height):
            resized.append(f"{file.name} ({image.width}x{image.height})")
        batch[index] = _fit(image, height, width, channels)
    if resized:
        more = f" and {len(resized) - 3} more" if len(resized) > 3 else ""
        warnings.warn(f"Resized to {width}x{height}: {', '.join(resized[:3])}{more}.", stacklevel=2)
    return batch


def decode_images(contents: Sequence[bytes], shape: tuple[int | None, ...]) -> np.ndarray:
    """Decodes image files that are already in memory, as `read_images` does it with paths.

    Args:
        contents: the bytes of one file each, of any kind Pillow knows and of any size.
        shape: the model's `(height, width, channels)`, with 1 or 3 channels.

    Returns:
        uint8 of shape `(N, height, width, channels)`.

    Raises:
        ValueError: no images, bytes that are no image or a truncated one, no fixed size, or channels other than 1 or 3.

    Example:
        >>> file = io.BytesIO()
        >>> Image.new("L", (40, 30), 200).save(file, "PNG")
        >>> decode_images([file.getvalue()], (28, 28, 1)).shape
        (1, 28, 28, 1)
    """
    height, width, channels = fixed_shape(shape)
    if not len(contents):
        raise ValueError("Expected at least one image; got none.")
    batch = np.empty((len(contents), height, width, channels), np.uint8)
    for index, content in enumerate(contents):
        batch[index] = _fit(_decode(io.BytesIO(content), f"image {index}"), height, width, channels)
    return batch


def fixed_shape(shape: tuple[int | None, ...]) -> tuple[int, int, int]:
    """The shape itself, if image files can be brought to it; a `ValueError` that says what is missing if not."""
    height, width, channels = shape
    if height is None or width is None:
        raise ValueError(f"Expected a fixed height and width to fit the images to; got {shape}. Name a size.")
    if channels not in (1, 3):
        raise ValueError(f"Image files give 1 (grey) or 3 (colour) channels; the model expects {channels}.")
    return height, width, channels


def _fit(image: Image.Image, height: int, width: int, channels: int) -> np.ndarray:
    """The pixels in the model's size and colours."""
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(height, width, channels)


def open_image(path: Path) -> Image.Image:
    """Opens and decodes an image file: 8 bits a channel, upright, opaque.

    Args:
        path: the file.

    Returns:
        The picture, in the mode that its file has.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: a folder, or a file that is no image or is truncated.
    """
    if not path.exists():
        raise FileNotFoundError(f"No such image file: {path}")
    if path.is_dir():
        raise ValueError(f"Expected an image file; {path} is a folder. List its files, for instance {path}/*.png.")
    return _decode(path, path)


def _decode(source: Path | io.BytesIO, name: object) -> Image.Image:
    """The decoded picture: 8 bits a channel, upright, opaque."""
    try:
        with Image.open(source) as file:
            file.load()
            image = ImageOps.exif_transpose(file)
    except UnidentifiedImageError as error:
        raise ValueError(f"{name} is no image that can be read (PNG, JPEG, ... expected).") from error
    except PermissionError:
        raise
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, struct.error and others
        raise ValueError(f"{name} is a truncated or damaged image: {error}") from error
    return _opaque(_eight_bits(image, name))


def _eight_bits(image: Image.Image, name: object) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode == "I":
        values = np.asarray(image).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise ValueError(f"Expected 8 or 16 bits a channel in {name}; got values {values.min()}..{values.max()}.")
        return Image.fromarray((values // 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError(f"Expected 8 or 16 bits a channel in {name}; got floating-point pixels. Save it as PNG.")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer)
