"""Turning images about their centre: the one bilinear rotation behind the data set and the augmentation."""

from __future__ import annotations

import numpy as np

_CHUNK = 8  # images turned at a time: the intermediate arrays stay in the cache, three times as fast as 32


def rotate_images(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """Turns every image anticlockwise about its centre by its own angle.

    With `t` the angle and `x`, `y` an output pixel's column and row counted from the centre `((W - 1) / 2,
    (H - 1) / 2)`, the output takes the input at column `x cos t - y sin t` and row `x sin t + y cos t`, bilinearly
    between the four neighbours in float64. Outside the frame the input is zero, also as a neighbour. The result is
    rounded half up.

    Args:
        images: uint8 of shape `(B, H, W, C)`.
        degrees: shape `(B,)`, anticlockwise as seen on the screen.

    Returns:
        uint8 of the same shape.

    Raises:
        ValueError: the images are not a uint8 batch, or the angles do not match them.

    Example:
        >>> import numpy as np
        >>> image = np.zeros((1, 3, 3, 1), "uint8")
        >>> image[0, 1, 2] = 255  # right of the centre
        >>> int(rotate_images(image, np.array([90.0]))[0, 0, 1, 0])  # now above it
        255
    """
    check_batch(images)
    degrees = np.asarray(degrees, np.float64)
    if degrees.shape != (len(images),):
        raise ValueError(f"Expected one angle an image, shape ({len(images)},); got shape {degrees.shape}.")
    result = np.empty_like(images, order="C")
    for start in range(0, len(images), _CHUNK):
        part = slice(start, start + _CHUNK)
        result[part] = _rotate_chunk(images[part], degrees[part])
    return result


def check_batch(images: np.ndarray) -> None:
    """Raises a `ValueError` unless `images` is a uint8 array of shape `(B, H, W, C)`."""
    dtype, shape = getattr(images, "dtype", None), getattr(images, "shape", ())
    if dtype != np.uint8 or len(shape) != 4:
        raise ValueError(
            f"Expected a batch of uint8 images of shape (B, H, W, C); got {dtype or type(images).__name__} of shape "
            f"{tuple(shape)}. Grey images need a last axis of size 1: images[..., None]."
        )


def _rotate_chunk(images: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    batch, height, width, channels = images.shape
    corner, fx, fy = _source(degrees, height, width)
    # A zero border catches every neighbour outside the frame, so that no index needs a test.
    stride = width + 3
    padded = np.zeros((batch, height + 3, stride, channels))
    padded[:, 1 : height + 1, 1 : width + 1] = images
    flat = padded.reshape(-1, channels)
    corner += (np.arange(batch) * ((height + 3) * stride))[:, None]
    result = np.empty((batch, height * width, channels), np.uint8)
    for channel in range(channels):
        plane = flat if channels == 1 else np.ascontiguousarray(flat[:, channel])
        plane = plane.reshape(-1)
        top, bottom = plane.take(corner), plane.take(corner + stride)
        top += fx * (plane.take(corner + 1) - top)
        bottom += fx * (plane.take(corner + (stride + 1)) - bottom)
        top += fy * (bottom - top)
        top += 0.5
        result[..., channel] = top  # the cast truncates, which is floor: nothing here is negative
    return result.reshape(images.shape)


def _source(degrees: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index of the upper left neighbour in the padded image, and the fractions to the right and down."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    y = np.arange(height)[:, None] - (height - 1) / 2
    x = np.arange(width)[None, :] - (width - 1) / 2
    column = x * cos - y * sin + (width + 1) / 2
    row = x * sin + y * cos + (height + 1) / 2
    np.clip(column, 0, width + 1, out=column)
    np.clip(row, 0, height + 1, out=row)
    left, upper = column.astype(np.int32), row.astype(np.int32)
    column -= left
    row -= upper
    corner = upper.astype(np.intp) * (width + 3) + left
    shape = (len(degrees), height * width)
    return corner.reshape(shape), column.reshape(shape), row.reshape(shape)
