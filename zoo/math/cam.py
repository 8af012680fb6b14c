"""Geometry of class activation maps: bilinear resizing as two matrices."""

from __future__ import annotations

import functools

import numpy as np


@functools.lru_cache(maxsize=64)
def bilinear_matrix(size: int, target: int) -> np.ndarray:
    """The matrix that resizes a line of values bilinearly.

    Centres of pixels lie at a half: value i of the result is taken at `(i + 0.5) size / target - 0.5`, and outside of
    the first and last centre the line goes on as it is. No antialiasing.

    Args:
        size: values of the line.
        target: values of the result.

    Returns:
        float64 of shape `(target, size)`, not to be changed; the sum of each row is 1.

    Raises:
        ValueError: a size below 1.

    Example:
        >>> bilinear_matrix(2, 4).tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    if min(size, target) < 1:
        raise ValueError(f"Expected sizes of at least 1; got {size} and {target}.")
    source = np.clip((np.arange(target) + 0.5) * size / target - 0.5, 0, size - 1)
    first = np.floor(source).astype(int)
    second = np.minimum(first + 1, size - 1)
    weight = source - first
    matrix = np.zeros((target, size))
    np.add.at(matrix, (np.arange(target), first), 1 - weight)
    np.add.at(matrix, (np.arange(target), second), weight)
    matrix.setflags(write=False)
    return matrix
