"""Filters of a basis and the angles between them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.visual._figure import ORDERED, check_picture, drawn, new_figure, signed, write


@drawn
def plot_basis(kernels: Mapping[str, Any], *, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draws where the filters of a basis look, and how far they are from orthonormal, one row a basis.

    A basis is that of a `SharedFilterBasis`, for example. On the left a tile a filter: the root mean square of its
    weights over the input channels, at each place of its window, relative to its largest. On the right the inner
    products of all filters less the identity, on one scale for all rows: blank for an orthonormal basis.

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
    off = {name: gram_matrix(kernel) - np.eye(kernel.shape[-1]) for name, kernel in arrays.items()}
    reach = max(float(np.abs(matrix).max()) for matrix in off.values()) or 1.0
    for (left, right), (name, kernel) in zip(panels, arrays.items(), strict=True):
        tiles = left.imshow(_tiles(kernel), cmap=ORDERED, vmin=0, vmax=1, interpolation="nearest")
        figure.colorbar(tiles, ax=left, shrink=0.8, label="weights beside a filter's largest")
        left.set(title=f"{name}: where {kernel.shape[-1]} filters look", xticks=[], yticks=[])
        left.spines[:].set_visible(False)
        picture = right.imshow(off[name], cmap=signed(), vmin=-reach, vmax=reach, interpolation="nearest")
        right.set(title=f"Gram matrix less identity, at most {np.abs(off[name]).max():.2g}", xlabel="filter")
        right.set_ylabel("filter")
        figure.colorbar(picture, ax=right, shrink=0.8, label="inner product")
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
    """One image of all filters, a tile each, in rows of about as many as there are columns."""
    height, width, _, filters = kernel.shape
    strength = np.sqrt(np.square(kernel).mean(axis=2))
    columns = int(np.ceil(np.sqrt(filters)))
    rows = -(-filters // columns)
    image = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for number in range(filters):
        tile = strength[..., number]
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        image[top : top + height, left : left + width] = tile / (tile.max() or 1.0)
    return image
