"""Image files as model input."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.datasets.picture_files import PathLike, decode_image, open_image

_NAMED = 3  # of the files that a warning is about
_STRETCH = 1.6  # sides against each other: beyond photographs of 3:2
_SHRINKS = 64  # times smaller: what is to be seen has to fill the picture


def read_images(
    paths: PathLike | Sequence[PathLike], shape: tuple[int | None, ...], *, white: float | None = None
) -> np.ndarray:
    """Reads image files of any kind Pillow knows into one batch.

    Camera orientation is applied, transparency becomes black, palettes and CMYK become red, green and blue, of several
    pictures in a file the first is taken, 16-bit grey is scaled to 8 bits, and colour is turned to grey or grey to
    colour as the model needs. An image of another size is resized (bilinear, antialiased, without keeping the aspect
    ratio). A warning says which lose much by that, as they are long or large, and which files of 16 bits come out dark
    as they do not use their bits.

    Args:
        paths: one file or several.
        shape: the model's `(height, width, channels)`, with 1 or 3 channels.
        white: which value is white in files of more than 8 bits a pixel: 4095 for 12 bits stored in 16, 1.0 for
            fractions. None takes what a TIFF file says of itself, else 65535. Files of 8 bits are not touched by it.

    Returns:
        uint8 of shape `(N, height, width, channels)`.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: no files, a folder, a file that is no image or is truncated, one of 16 bits that uses 8, one of
            fractions without `white`, no fixed size, or channels other than 1 or 3. Of several files all faults come
            in one error.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "grey.png"
        >>> Image.new("L", (28, 28), 200).save(path)
        >>> read_images([path], (28, 28, 1)).shape
        (1, 28, 28, 1)
    """
    batch, faults = _read(paths, shape, white)
    found = [fault for fault in faults if fault is not None]
    if len(found) == 1:
        raise found[0]
    if found:
        lines = [str(fault) for fault in found[:10]] + ([f"... and {len(found) - 10} more"] if len(found) > 10 else [])
        kind = FileNotFoundError if all(isinstance(fault, FileNotFoundError) for fault in found) else ValueError
        raise kind(f"{len(found)} of {len(faults)} images cannot be read:\n" + "\n".join(lines))
    return batch


def read_each(
    paths: PathLike | Sequence[PathLike], shape: tuple[int | None, ...], *, white: float | None = None
) -> tuple[np.ndarray, list[str | None]]:
    """Reads image files as `read_images` does; one that cannot be read stops nothing.

    Args:
        paths: as for `read_images`.
        shape: as for `read_images`.
        white: as for `read_images`.

    Returns:
        uint8 of shape `(N, height, width, channels)`, black where a file cannot be read; and for each file what is
        wrong with it, or None.

    Raises:
        ValueError: no files, no fixed size, or channels other than 1 or 3.

    Example:
        >>> images, errors = read_each(["gone.png"], (28, 28, 1))
        >>> images.shape, errors
        ((1, 28, 28, 1), ['No such image file: gone.png'])
    """
    batch, faults = _read(paths, shape, white)
    return batch, [None if fault is None else str(fault) for fault in faults]


def _read(
    paths: PathLike | Sequence[PathLike], shape: tuple[int | None, ...], white: float | None
) -> tuple[np.ndarray, list[ValueError | OSError | None]]:
    height, width, channels = fixed_shape(shape)
    files = [Path(paths)] if isinstance(paths, (str, os.PathLike)) else [Path(path) for path in paths]
    if not files:
        raise ValueError("Expected at least one image file; got an empty list.")
    batch = np.zeros((len(files), height, width, channels), np.uint8)
    faults: list[ValueError | OSError | None] = []
    squeezed: list[str] = []
    notes: list[str] = []
    for index, file in enumerate(files):
        try:
            image = open_image(file, white=white, notes=notes)
            if _suffers(image.width / width, image.height / height):
                squeezed.append(f"{file.name} ({image.width}x{image.height})")
            batch[index] = fit_image(image, height, width, channels)
            faults.append(None)
        except (ValueError, OSError) as error:
            faults.append(error)
    if squeezed:
        more = f" and {len(squeezed) - _NAMED} more" if len(squeezed) > _NAMED else ""
        warnings.warn(
            f"Much is lost when squeezed to {width}x{height}: {', '.join(squeezed[:_NAMED])}{more}. Cut out what is to "
            "be classified.",
            stacklevel=3,
        )
    warn_of(notes, stacklevel=4)
    return batch, faults


def _suffers(across: float, down: float) -> bool:
    """Whether a picture that becomes so many times smaller across and down is not what it was.

    Photographs of 4:3 or 3:2 become squares everywhere, also where models learn; models are made for that.
    """
    return max(across, down) > _STRETCH * min(across, down) or min(across, down) > _SHRINKS


def warn_of(notes: Sequence[str], *, stacklevel: int = 2) -> None:
    """One warning for what is remarkable about some files; none for nothing."""
    if notes:
        more = f"; and {len(notes) - _NAMED} more" if len(notes) > _NAMED else ""
        warnings.warn("; ".join(notes[:_NAMED]) + more + ".", stacklevel=stacklevel)


def decode_images(
    contents: Sequence[bytes], shape: tuple[int | None, ...], *, white: float | None = None
) -> np.ndarray:
    """Decodes image files that are already in memory, as `read_images` does it with paths.

    Args:
        contents: the bytes of one file each, of any kind Pillow knows and of any size.
        shape: the model's `(height, width, channels)`, with 1 or 3 channels.
        white: as for `read_images`.

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
    notes: list[str] = []
    for index, content in enumerate(contents):
        image = decode_image(io.BytesIO(content), f"image {index}", white=white, notes=notes)
        batch[index] = fit_image(image, height, width, channels)
    warn_of(notes, stacklevel=3)
    return batch


def image_shape(path: PathLike, *, white: float | None = None) -> tuple[int, int, int]:
    """The size of an image file as it is shown, without decoding what a classifier would be given.

    Args:
        path: a file of any kind Pillow knows.
        white: as for `read_images`.

    Returns:
        Height, width, and 1 channel for grey or 3 for colour.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: a folder, or a file that is no image or is truncated.

    Example:
        >>> Image.new("L", (40, 30), 200).save("grey.png")
        >>> image_shape("grey.png")
        (30, 40, 1)
    """
    image = open_image(Path(path), white=white, notes=[])
    return image.height, image.width, 1 if image.mode in ("1", "L") else 3


def fixed_shape(shape: tuple[int | None, ...]) -> tuple[int, int, int]:
    """The shape itself, if image files can be brought to it; a `ValueError` that says what is missing if not."""
    height, width, channels = shape
    if height is None or width is None:
        raise ValueError(f"Expected a fixed height and width to fit the images to; got {shape}. Name a size.")
    if channels not in (1, 3):
        raise ValueError(f"Image files give 1 (grey) or 3 (colour) channels; the model expects {channels}.")
    return height, width, channels


def fit_image(image: Image.Image, height: int, width: int, channels: int) -> np.ndarray:
    """The pixels in the model's size and colours."""
    image = image.convert("L" if channels == 1 else "RGB")
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(height, width, channels)
