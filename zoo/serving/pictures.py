"""Encoded images as a request's input, for models whose graph cannot decode them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import ExifTags, Image

from zoo.datasets.images import decode_images
from zoo.serving.errors import invalid
from zoo.serving.runners import BYTES_SIGNATURE, Runner, Signature, TensorSpec

INPUT = "image_bytes"
MAX_PIXELS = 50_000_000  # of one picture: a file of some kilobytes can claim gigabytes


def bytes_signature(runner: Runner) -> Signature | None:
    """The signature that takes encoded images instead of pixels; None if the model is not one of zoo's for images."""
    if BYTES_SIGNATURE in runner.signatures:
        return runner.signatures[BYTES_SIGNATURE]
    if not runner.facts.name or image_shape(runner) is None:
        return None
    return Signature({INPUT: TensorSpec(np.dtype(object), (None,))}, runner.outputs)


def image_shape(runner: Runner) -> tuple[int, int, int] | None:
    """Height, width and channels of the one input that image models have; None for other models."""
    shape = next(iter(runner.inputs.values())).shape
    if len(runner.inputs) != 1 or shape is None or len(shape) != 4 or shape[0] is not None:
        return None
    height, width, channels = shape[1:]
    return (height, width, channels) if height and width and channels in (1, 3) else None


def check_sizes(files: Sequence[bytes]) -> bool:
    """Refuses, before anything is decoded, what is no image or has too many pixels.

    Returns:
        Whether a model's own graph reads all of them as `decode` does: upright PNG and JPEG files of 8 bits, grey or
        coloured.
    """
    plain = True
    for number, content in enumerate(files):
        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                plain = plain and _is_plain(image)
        except Exception as error:  # Pillow's readers raise OSError, SyntaxError, struct.error and others
            raise invalid(f"Image {number} cannot be read: PNG or JPEG data expected.") from error
        if width * height > MAX_PIXELS:
            raise invalid(f"Image {number} has {width}x{height} pixels; at most {MAX_PIXELS} are accepted.")
    return plain


def _is_plain(image: Image.Image) -> bool:
    deep = any("16" in str(tile[3]) for tile in getattr(image, "tile", ()))  # of 16 bits a channel
    upright = "exif" not in image.info or image.getexif().get(ExifTags.Base.Orientation, 1) == 1
    known = image.format in ("PNG", "JPEG") and image.mode in ("L", "LA", "RGB", "RGBA")
    return known and upright and not deep and "transparency" not in image.info


def decode(runner: Runner, files: Sequence[bytes]) -> dict[str, np.ndarray]:
    """The inputs of `serving_default` for encoded images of any size."""
    shape = image_shape(runner)
    if shape is None:
        raise invalid("The model takes no images.")
    ((name, spec),) = runner.inputs.items()
    try:
        return {name: decode_images(files, shape).astype(spec.dtype)}
    except ValueError as error:
        raise invalid(str(error)) from error
