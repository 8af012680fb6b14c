"""Checks of what a user hands in as images, before any of it reaches a model."""

from __future__ import annotations

import os
import warnings
from typing import Any

import keras
import numpy as np

from zoo.datasets.images import read_images


def model_shape(model: keras.Model) -> tuple[int | None, ...]:
    """The shape `(height, width, channels)` of a model's images, None where any size will do.

    Args:
        model: a functional model with one image input.

    Returns:
        The shape without the batch axis.

    Raises:
        ValueError: the model's input is no batch of images.
    """
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 4:
        raise ValueError(f"Expected a model with one input of shape (batch, height, width, channels); got {shape}.")
    return shape[1:]


def image_batch(images: Any, shape: tuple[int | None, ...]) -> np.ndarray:
    """Images as the array a model takes, or an error that says what is wrong with them.

    Args:
        images: an array or tensor of shape `(N, H, W, C)` with pixels in 0..255, or a list of image files.
        shape: the model's `(height, width, channels)`, None where any size will do.

    Returns:
        uint8 or float32 of shape `(N, H, W, C)`.

    Raises:
        FileNotFoundError: an image file does not exist.
        ValueError: no images, a wrong shape, NaN or infinite pixels, pixels outside 0..255, no numbers, or a file that
            is no image.
    """
    if not hasattr(images, "__len__") and hasattr(images, "__iter__") and not hasattr(images, "shape"):
        images = list(images)  # a generator, as Path.glob gives one
    if _is_path(images) or (isinstance(images, (list, tuple)) and images and all(map(_is_path, images))):
        return read_images(images, shape)
    array = _as_array(images)
    _check_shape(array, shape)
    if array.dtype.kind not in "uif":
        raise ValueError(f"Expected numeric pixels in 0..255; got an array of dtype {array.dtype}.")
    return _check_pixels(array)


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))


def _as_array(images: Any) -> np.ndarray:
    if isinstance(images, np.ndarray):
        return images
    try:
        return keras.ops.convert_to_numpy(images) if keras.ops.is_tensor(images) else np.asarray(images)
    except (ValueError, TypeError) as error:  # ragged lists
        raise ValueError(f"Expected an array of images of one size; got {type(images).__name__}: {error}") from error


def _check_shape(array: np.ndarray, shape: tuple[int | None, ...]) -> None:
    wanted = f"(N, {', '.join('any' if side is None else str(side) for side in shape)})"
    if array.ndim >= 1 and len(array) == 0:
        raise ValueError(f"Expected at least one image, shape {wanted}; got an empty array of shape {array.shape}.")
    if _fits(array.shape[1:], shape):
        return
    hint = ""
    if _fits(array.shape, shape):
        hint = " For a single image pass images[None]."
    elif array.ndim == 3 and shape[2] == 1:
        hint = " Grey images need a last axis of size 1: images[..., None]."
    elif _fits(array.shape[1:], (shape[2], *shape[:2])):
        hint = " Channels come last: images.transpose(0, 2, 3, 1)."
    elif array.ndim == 4:
        hint = " Resize or convert the images, or give the files' paths: those are fitted to the model."
    raise ValueError(f"Expected images of shape {wanted}; got {array.shape}.{hint}")


def _fits(sizes: tuple[int, ...], shape: tuple[int | None, ...]) -> bool:
    return len(sizes) == len(shape) and all(side in (None, size) for size, side in zip(sizes, shape, strict=True))


def _check_pixels(array: np.ndarray) -> np.ndarray:
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int((~np.isfinite(array)).any(axis=(1, 2, 3)).sum())
        raise ValueError(f"Expected finite pixels in 0..255; {bad} of {len(array)} images hold NaN or infinite values.")
    if low < 0 or high > 255:
        raise ValueError(
            f"Expected pixels in 0..255; got {low:g} to {high:g}. Pass raw images: the model normalises them itself."
        )
    if 0 < high <= 1:
        warnings.warn(
            f"The pixels go up to {high:g}, and the model expects 0..255: if they were scaled to 0..1, multiply them "
            "by 255, or the predictions will be wrong.",
            stacklevel=3,
        )
    return array.astype(np.float32 if array.dtype.kind == "f" else np.uint8, copy=False)
