"""Class activation maps and the areas in which they are high, in `keras.ops`: on every backend, eager and compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from zoo.losses._common import check_classes, exist, widened
from zoo.math.cam import bilinear_matrix
from zoo.math.values import Tensor, check_number

NORMALIZATIONS = ("relumax", "minmax", "none")
"""`relumax`: negatives to 0, the maximum to 1; `minmax`: the minimum to 0, the maximum to 1; `none`: as they are."""

_FLAT = 1e-5  # a map whose values differ by less, relative to the largest, is constant


def class_maps(features: Tensor, kernel: Tensor, classes: Tensor | None = None) -> Tensor:
    """Class activation maps of a head on globally averaged features, `M[n, i, j] = sum_k W[k, c] f[n, i, j, k]`.

    Their mean over the positions is the logit without its bias. Nothing is learnt through them: features and kernel
    are taken under a stopped gradient.

    Args:
        features: the maps that are averaged, (B, h, w, K).
        kernel: of the dense head, (K, C).
        classes: one class for each image, integers (B,), or several, (B, k); None for all.

    Returns:
        float32, or float64 for such features, of shape (B, h, w) for one class an image, else (B, h, w, k) or
        (B, h, w, C). In compiled code, which sees no values, the map of a class that does not exist is NaN.

    Raises:
        ValueError: a class below 0 or of C or more.

    Example:
        >>> import numpy as np
        >>> maps = class_maps(np.ones((2, 3, 3, 4), "float32"), np.ones((4, 5), "float32"), np.array([0, 3]))
        >>> maps.shape[1:], float(maps[0, 0, 0])
        ((3, 3), 4.0)
    """
    features = widened(ops.stop_gradient(ops.convert_to_tensor(features)))
    kernel = ops.cast(ops.stop_gradient(ops.convert_to_tensor(kernel)), features.dtype)
    if classes is None:
        return ops.matmul(features, kernel)
    count = kernel.shape[-1]
    check_classes(classes, count)
    classes = ops.cast(classes, "int32")
    columns = ops.take(ops.transpose(kernel), ops.clip(classes, 0, count - 1), axis=0)  # (B, K) or (B, k, K)
    columns = ops.where(exist(classes, count)[..., None], columns, ops.cast(float("nan"), columns.dtype))
    equation = "bhwc,bc->bhw" if len(columns.shape) == 2 else "bhwc,bkc->bhwk"
    return ops.einsum(equation, features, columns)


def normalize_maps(maps: Tensor, normalization: str = "relumax") -> Tensor:
    """Brings each map into [0, 1]; a constant map becomes 0, not NaN.

    Args:
        maps: (B, h, w).
        normalization: one of `NORMALIZATIONS`.

    Returns:
        float32, or float64 for such maps, of the same shape.

    Raises:
        ValueError: another word.

    Example:
        >>> import numpy as np
        >>> maps = normalize_maps(np.array([[[-1.0, 2.0, 4.0]]], "float32"))
        >>> ops.convert_to_numpy(maps).tolist()
        [[[0.0, 0.5, 1.0]]]
    """
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"Expected normalization to be one of {NORMALIZATIONS}; got {normalization!r}.")
    maps = widened(maps)
    if normalization == "none":
        return maps
    low, high = ops.amin(maps, axis=(1, 2), keepdims=True), ops.amax(maps, axis=(1, 2), keepdims=True)
    flat = high - low <= _FLAT * ops.maximum(ops.abs(high), ops.abs(low))
    if normalization == "relumax":
        low = ops.zeros_like(low)
    usable = ops.logical_and(ops.logical_not(flat), high > low)
    scaled = ops.maximum(maps - low, 0.0) / ops.where(usable, high - low, 1.0)
    return ops.where(usable, scaled, 0.0)


def resize_maps(maps: Tensor, size: Sequence[int]) -> Tensor:
    """Maps at another size, bilinearly, with half-pixel centres and without antialiasing.

    Args:
        maps: (B, h, w).
        size: height and width of the result.

    Returns:
        float32, or float64 for such maps, of shape (B, height, width).

    Example:
        >>> import numpy as np
        >>> resize_maps(np.ones((1, 2, 2), "float32"), (4, 6)).shape[1:]
        (4, 6)
    """
    maps = widened(maps)
    rows, columns = (
        ops.convert_to_tensor(bilinear_matrix(int(old), int(new)), dtype=maps.dtype)
        for old, new in zip(maps.shape[1:3], size, strict=True)
    )
    return ops.matmul(ops.matmul(rows, maps), ops.transpose(columns))


def high_areas(maps: Tensor, threshold: Any) -> Tensor:
    """Where normalised maps reach a threshold; nowhere in a map without any positive value.

    Args:
        maps: (B, h, w).
        threshold: a number, or one for each map, (B, 1, 1).

    Returns:
        Booleans of shape (B, h, w).

    Example:
        >>> import numpy as np
        >>> ops.convert_to_numpy(high_areas(np.array([[[0.2, 0.5, 1.0]]], "float32"), 0.5)).tolist()
        [[[False, True, True]]]
    """
    some = ops.amax(maps, axis=(1, 2), keepdims=True) > 0
    return ops.logical_and(maps >= threshold, some)


def check_threshold(threshold: float, name: str = "threshold") -> float:
    """The threshold as a number.

    Raises:
        ValueError: it lies outside of [0, 1].
    """
    return check_number(name, threshold, least=0, most=1, reason=", as normalised maps have")
