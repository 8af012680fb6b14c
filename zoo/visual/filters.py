"""Filters of a basis and the angles between them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.visual._figure import SIGNED, check_picture, drawn, new_figure, write


@drawn
def plot_basis(kernels: Mapping[str, Any], *, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draws the filters of a basis, such as that of a `SharedFilterBasis`, and their Gram matrix, one row a basis.

    On the left one filter a line, one input channel a column; on the right the inner products of all filters, between
    -1 and 1: the identity for an orthonormal basis.

    Args:
        kernels: kernels (k, k, channels, filters), tensors or variables, by a name for the row: of a basis before and
            after training, for example.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no kernel, one of another rank or with values that are not finite, or another
            ending than `.png` or `.svg`.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("shared_basis_resnet32_s8u1_cifar10")
        >>> path = Path(tempfile.mkdtemp()) / "basis.png"
        >>> plot_basis({"before training": model.get_layer("stage1_basis").kernel}, path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    if not isinstance(kernels, Mapping):
        raise ValueError(f"Expected kernels by a name, as in {{'trained': kernel}}; got {type(kernels).__name__}.")
    arrays = {name: _kernel(kernel) for name, kernel in kernels.items()}
    if not arrays:
        raise ValueError("Expected one or more kernels; got none.")
    figure = new_figure(9, 4 * len(arrays), "constrained")
    figure.suptitle(title or "")
    panels = figure.subplots(len(arrays), 2, squeeze=False)
    for (left, right), (name, kernel) in zip(panels, arrays.items(), strict=True):
        reach = float(np.abs(kernel).max()) or 1.0
        left.imshow(_tiles(kernel), cmap=SIGNED, vmin=-reach, vmax=reach, interpolation="nearest")
        left.set(title=f"{name}: {kernel.shape[-1]} filters", xlabel="input channel", xticks=[], yticks=[])
        left.set_ylabel("filter")
        picture = right.imshow(gram_matrix(kernel), cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")
        right.set(title=f"{name}: Gram matrix", xlabel="filter", ylabel="filter")
        figure.colorbar(picture, ax=right, shrink=0.8)
    return write(figure, path)


def gram_matrix(kernel: Any) -> np.ndarray:
    """Inner products of the filters of a kernel (k, k, channels, filters), as an array (filters, filters).

    Example:
        >>> gram_matrix(np.eye(4).reshape(2, 2, 1, 4)).tolist() == np.eye(4).tolist()
        True
    """
    array = _kernel(kernel)
    matrix = array.reshape(-1, array.shape[-1])
    return matrix.T @ matrix


def _kernel(kernel: Any) -> np.ndarray:
    if isinstance(kernel, (str, keras.layers.Layer)):
        raise ValueError(f"Expected a kernel, such as the `kernel` of a built layer; got {type(kernel).__name__}.")
    array = kernel if isinstance(kernel, np.ndarray) else keras.ops.convert_to_numpy(kernel)
    array = np.asarray(array, np.float64)
    if array.ndim != 4 or not np.isfinite(array).all():
        raise ValueError(f"Expected finite kernels of shape (k, k, channels, filters); got shape {array.shape}.")
    return array


def _tiles(kernel: np.ndarray) -> np.ndarray:
    """One image of all filters: lines of k x k tiles with an empty line between them."""
    height, width, channels, filters = kernel.shape
    image = np.full((filters * (height + 1) - 1, channels * (width + 1) - 1), np.nan)
    for number in range(filters):
        for channel in range(channels):
            top, left = number * (height + 1), channel * (width + 1)
            image[top : top + height, left : left + width] = kernel[:, :, channel, number]
    return image
