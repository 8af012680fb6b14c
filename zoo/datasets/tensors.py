"""Image changes in `keras.ops`, for code that XLA compiles; the input pipeline uses NumPy instead."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

_ORDERS = {"nearest": 0, "bilinear": 1}


def rotate_tensor(images: Any, radians: Any, *, interpolation: str = "bilinear") -> Any:
    """Turns images about their centre, each by its own angle, on the device and under XLA on every backend.

    What `tensorflow_addons.image.rotate` does; Keras' own `ops.image.affine_transform`, and the layers made from it,
    do not compile on TensorFlow. Outside the frame the images are zero. `zoo.datasets.rotation.rotate_images` is the
    same map in NumPy, with whole numbers as a result.

    Args:
        images: numbers of shape `(B, H, W, C)`; height and width must be known.
        radians: anticlockwise as seen on the screen, of shape `(B,)` or a single number for all.
        interpolation: `"bilinear"` or `"nearest"`.

    Returns:
        A tensor of the same shape, of the images' type if they are floating-point numbers, else of Keras' float type.

    Raises:
        ValueError: images of another rank, sizes that are not known, or an unknown interpolation.

    Example:
        >>> import math
        >>> import numpy as np
        >>> image = np.zeros((1, 3, 3, 1), "float32")
        >>> image[0, 1, 2] = 1.0  # right of the centre
        >>> float(rotate_tensor(image, math.pi / 2, interpolation="nearest")[0, 0, 1, 0])  # now above it
        1.0
    """
    if interpolation not in _ORDERS:
        raise ValueError(f"Expected interpolation to be one of {sorted(_ORDERS)}; got {interpolation!r}.")
    images = ops.convert_to_tensor(images)
    if len(images.shape) != 4 or None in images.shape[1:]:
        raise ValueError(f"Expected images of shape (B, H, W, C) with known H, W and C; got {tuple(images.shape)}.")
    height, width, channels = images.shape[1:]
    dtype = keras.backend.standardize_dtype(images.dtype)
    batch = ops.shape(images)[0]
    # The number of the plane is a coordinate of its own: added to the rows it would cost them their precision.
    planes = ops.reshape(ops.transpose(ops.cast(images, "float32"), (0, 3, 1, 2)), (-1, height, width))
    rows, columns = _source(ops.cast(ops.convert_to_tensor(radians), "float32"), batch, height, width)
    rows, columns = (ops.repeat(axis, channels, axis=0) for axis in (rows, columns))
    numbers = ops.cast(ops.reshape(ops.arange(batch * channels), (-1, 1, 1)), "float32")
    turned = ops.image.map_coordinates(
        planes,
        ops.stack([ops.broadcast_to(numbers, ops.shape(rows)), rows, columns]),
        order=_ORDERS[interpolation],
        fill_mode="constant",
    )
    turned = ops.transpose(ops.reshape(turned, (batch, channels, height, width)), (0, 2, 3, 1))
    return ops.cast(turned, dtype if "float" in dtype else keras.config.floatx())


def _source(angle: Any, batch: Any, height: int, width: int) -> tuple[Any, Any]:
    """Row and column in the input of every output pixel, each of shape `(B, H, W)`."""
    angle = ops.reshape(ops.broadcast_to(angle, (batch,)), (-1, 1, 1))
    cos, sin = ops.cos(angle), ops.sin(angle)
    y = ops.convert_to_tensor((np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None])
    x = ops.convert_to_tensor((np.arange(width, dtype=np.float32) - (width - 1) / 2)[None, :])
    return x * sin + y * cos + (height - 1) / 2, x * cos - y * sin + (width - 1) / 2
