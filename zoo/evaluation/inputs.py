"""Checks of what a user hands in as images, before any of it reaches a model."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo._counting import counted
from zoo.datasets.images import decode_images, read_images
from zoo.math.values import check_number


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


def image_batch(images: Any, shape: tuple[int | None, ...], *, white: float | None = None) -> np.ndarray:
    """Images as the array a model takes, or an error that says what is wrong with them.

    Args:
        images: an array or tensor of shape `(N, H, W, C)` with pixels in 0..255; or image files: a list, array, column
            of a table or generator of their paths, or a list of their contents as bytes.
        shape: the model's `(height, width, channels)`, None where any size will do.
        white: which value is white in files of more than 8 bits, as for `zoo.datasets.read_images`.

    Returns:
        uint8 or float32 of shape `(N, H, W, C)`.

    Raises:
        FileNotFoundError: an image file does not exist.
        ValueError: no images, a wrong shape, NaN or infinite pixels, pixels outside 0..255, no numbers, a file that is
            no image, or a data set, a table or a dictionary instead of images; `white` that is no number above 0, or
            for arrays.
    """
    if white is not None:
        check_number("white", white, above=0)
    images = _unwrapped(images)
    if _is_path(images) or (isinstance(images, (list, tuple)) and images and all(map(_is_path, images))):
        return read_images(images, shape, white=white)
    if isinstance(images, (list, tuple)) and images and all(isinstance(one, bytes) for one in images):
        return decode_images(images, shape, white=white)
    if white is not None:
        raise ValueError("Expected `white` for image files alone; pixels of arrays are in 0..255: scale them before.")
    array = _as_array(images)
    _check_shape(array, shape)
    if array.dtype.kind not in "uif":
        raise ValueError(f"Expected numeric pixels in 0..255; got an array of dtype {array.dtype}.")
    return _check_pixels(array)


_DATA_SETS = {
    "tensorflow.DatasetV2": "a tf.data.Dataset",
    "torch.DataLoader": "a torch DataLoader",
    "torch.Dataset": "a torch Dataset",
    "keras.PyDataset": "a keras PyDataset",
    "grain.DataLoader": "a grain DataLoader",
    "grain.MapDataset": "a grain data set",
    "grain.IterDataset": "a grain data set",
    "datasets.Dataset": "a data set of the package datasets",
    "ray.Dataset": "a Ray data set",
}
_HOW = (
    "zoo.predict takes arrays and files. model.predict(data) gives the logits of all its batches, and "
    "zoo.decode(model, logits) names their classes"
)


def _unwrapped(images: Any) -> Any:
    """Generators, and columns and arrays of paths, as lists; a `ValueError` for what holds images in another way."""
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(images).__mro__}
    known = [name for kind, name in _DATA_SETS.items() if kind in kinds]
    if known:
        raise ValueError(f"Expected images; got {known[0]}: {_HOW}.")
    if isinstance(images, bytes | bytearray | io.BytesIO):
        raise ValueError("Expected images; got the content of a single file: pass a list, [content], of bytes.")
    if isinstance(images, Mapping):
        raise ValueError(f"Expected images; got a dictionary with {', '.join(map(str, images)) or 'nothing'}.")
    if hasattr(images, "columns") and hasattr(images, "to_numpy"):
        raise ValueError("Expected images; got a table: pass its column of paths, as table['path'].")
    if hasattr(images, "to_numpy"):  # a column of pandas or polars
        images = images.to_numpy()
    if isinstance(images, np.ndarray) and images.dtype.kind in "UOT" and images.ndim == 1:
        return images.tolist()
    if hasattr(images, "__len__") or hasattr(images, "shape") or not hasattr(images, "__iter__"):
        return images
    return _listed(iter(images))


def _listed(images: Any) -> list[Any]:
    """What a generator gives, as a list: paths, as of `Path.glob`, or single images; it must come to an end."""
    first = next(images, None)
    if first is not None and not _is_path(first) and (isinstance(first, (tuple, dict)) or np.ndim(first) != 3):
        raise ValueError(f"Expected images; got a generator of batches, each a {type(first).__name__}: {_HOW}.")
    return [] if first is None else [first, *images]


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


_MARGIN = 40.0  # grey levels outside of what the training images had


def surprise(images: np.ndarray, expects: Mapping[str, Any] | None, name: str) -> str | None:
    """What is unlike a model's training images, as a sentence; None for nothing.

    Args:
        images: (N, H, W, C), pixels in 0..255.
        expects: as in a card: `note`, and the ranges `border` and `mean`.
        name: the model's.

    Example:
        >>> expects = {"note": "white digits on black ground", "border": (0, 11)}
        >>> surprise(np.full((1, 8, 8, 1), 250.0), expects, "digits")[:78]
        "1 of 1 image is unlike those that 'digits' was trained on, white digits on bla"
    """
    if not expects:
        return None
    rims = np.ones(images.shape[1:3], bool)
    rims[1:-1, 1:-1] = False
    found = {"border": images[:, rims].mean(axis=(1, 2)), "mean": images.mean(axis=(1, 2, 3))}
    strange = np.zeros(len(images), bool)
    for what, values in found.items():
        low, high = expects.get(what, (0, 255))
        strange |= (values < low - _MARGIN) | (values > high + _MARGIN)
    if not strange.any():
        return None
    low, high = expects.get("border", (0, 255))
    inverted = found["border"][strange] > 255 - high - _MARGIN
    hint = ": if they are dark on light, invert them (invert=True, --invert)" if high < 128 and inverted.any() else ""
    return (
        f"{strange.sum()} of {counted(len(images), 'image')} {'is' if strange.sum() == 1 else 'are'} unlike those that "
        f"{name!r} was trained on, {expects['note']}"
        f": the first has a border of {found['border'][strange][0]:.0f} of 255 and a mean of "
        f"{found['mean'][strange][0]:.0f}, and its answer means little{hint}"
    )
