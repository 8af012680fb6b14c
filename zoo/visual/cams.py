"""Class activation maps: arrays, overlays over the images, and a picture of many."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.losses import check_threshold, normalize_maps, resize_maps
from zoo.models.class_maps import class_map_batches, with_cam
from zoo.visual._figure import check_picture, drawn, new_figure, words, write

__all__ = ["cam", "overlay", "plot_cams", "with_cam"]

_COLUMNS, _MOST = 8, 200
_LETTER = 0.085
"""Width of a letter of the names, in inches."""
_COLOURS = np.array([(13, 8, 135), (126, 3, 168), (204, 71, 120), (248, 149, 64), (240, 249, 33)], np.float32)
"""From low to high, darker to lighter, so that grey prints and colour-blind readers keep the order; mixed between."""


def cam(
    model: keras.Model,
    images: np.ndarray,
    *,
    classes: Any = None,
    normalization: str = "relumax",
    upsample: bool = True,
    batch_size: int = 64,
) -> np.ndarray:
    """Class activation maps: where in each image the evidence for a class lies.

    `M[i, j] = sum_k W[k, c] f[i, j, k]`, with the features f before the global average pooling and the head's kernel W.
    Grad-CAM without its ReLU gives the same map for these networks, up to a factor.

    Args:
        model: a classifier that ends with global average pooling and a dense layer.
        images: raw images, (N, H, W, C).
        classes: whose maps, integers (N,); None for the predicted ones.
        normalization: `"relumax"`, `"minmax"` or `"none"`, before the maps are resized.
        upsample: resize the maps bilinearly to the size of the images; else they stay as the network gives them.
        batch_size: images a step.

    Returns:
        float32 of shape (N, H, W), or (N, h, w).

    Raises:
        ValueError: no such head, or images, classes or a word that do not fit.

    Example:
        >>> import zoo
        >>> model = zoo.build("scene_resnet18_narrow_scene15")
        >>> zoo.visual.cam(model, np.zeros((2, 128, 128, 1), "uint8")).shape
        (2, 128, 128)
    """
    images = np.asarray(images)
    found = []
    for batch, _, maps in class_map_batches(model, images, classes=classes, batch_size=batch_size):
        values = normalize_maps(maps[..., 0], normalization)
        found.append(keras.ops.convert_to_numpy(resize_maps(values, batch.shape[1:3]) if upsample else values))
    return np.concatenate(found)


def overlay(images: np.ndarray, maps: np.ndarray, *, opacity: float = 0.5) -> np.ndarray:
    """Images with their maps over them in colour, dark blue for 0 to yellow for 1.

    Args:
        images: (N, H, W, 1 or 3), pixels in 0..255.
        maps: (N, H, W), as `cam` gives them; cut to [0, 1].
        opacity: of the colours, 0 to 1.

    Returns:
        uint8 of shape (N, H, W, 3).

    Raises:
        ValueError: shapes that do not go together, or an opacity outside of [0, 1].

    Example:
        >>> overlay(np.zeros((1, 2, 2, 1), "uint8"), np.ones((1, 2, 2)), opacity=1.0)[0, 0, 0].tolist()
        [240, 249, 33]
    """
    check_threshold(opacity, "opacity")
    images, maps = np.asarray(images), np.asarray(maps)
    if images.ndim != 4 or images.shape[-1] not in (1, 3) or maps.shape != images.shape[:3]:
        raise ValueError(
            f"Expected images (N, H, W, 1 or 3) and maps (N, H, W) of the same size; got {images.shape} and "
            f"{maps.shape}."
        )
    place = np.clip(np.nan_to_num(maps), 0, 1) * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(int), len(_COLOURS) - 2)
    part = (place - low)[..., None]
    colours = (1 - part) * _COLOURS[low] + part * _COLOURS[low + 1]
    mixed = (1 - opacity) * np.clip(images, 0, 255) + opacity * colours
    return np.rint(mixed).astype(np.uint8)


@drawn
def plot_cams(
    images: np.ndarray,
    rows: Sequence[tuple[str, np.ndarray]],
    *,
    path: str | os.PathLike[str],
    titles: Sequence[str] | None = None,
    threshold: float | None = None,
) -> Path:
    """Draws images above their maps: a row of images, and a row of overlays for each network.

    The file appears whole or not at all.

    Args:
        images: (N, H, W, 1 or 3), pixels in 0..255, at most 200; after 8 of them new rows begin.
        rows: name and maps (N, H, W) of each row of overlays.
        path: the PNG or SVG file to write; its folder must exist.
        titles: a word above each image.
        threshold: draw a white line where a map reaches it.

    Returns:
        The path.

    Raises:
        ValueError: shapes that do not go together, too many images, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "cams.png"
        >>> images, maps = np.zeros((2, 32, 32, 1), "uint8"), np.zeros((2, 32, 32))
        >>> plot_cams(images, [("plain", maps)], path=path).stat().st_size > 500
        True
    """
    check_picture(path)
    if not 1 <= len(images) <= _MOST or (titles is not None and len(titles) != len(images)):
        counted = "no" if titles is None else str(len(titles))
        raise ValueError(f"Expected 1 to {_MOST} images and as many titles; got {len(images)} and {counted} titles.")
    overlays = [(name, overlay(images, maps), maps) for name, maps in rows]
    columns, height = min(_COLUMNS, len(images)), 1 + len(rows)
    lines = -(-len(images) // columns) * height
    longest = max([len(words(title)) for title in titles or ()] + [len(name) for name, _ in rows], default=0)
    width = max(1.5 * columns, 3.0, _LETTER * longest)  # names and scale fit in
    figure = new_figure(width, 1.6 * lines + 0.4, "constrained")
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, image in enumerate(images):
        top, column = number // columns * height, number % columns
        grid[top, column].imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        if titles is not None:
            grid[top, column].set_title(words(titles[number]), fontsize=8)
        for row, (name, pictures, maps) in enumerate(overlays, start=top + 1):
            axes = grid[row, column]
            axes.imshow(pictures[number])
            if threshold is not None and maps[number].max() > threshold > maps[number].min():
                axes.contour(maps[number], levels=[threshold], colors="white", linewidths=0.8)
            if column == 0:  # over a single column the middle, else from its left side on
                axes.set_title(name, fontsize=8, loc="center" if columns == 1 else "left")
    _add_scale(figure, grid)
    return write(figure, path)


def _add_scale(figure: Any, grid: Any) -> None:
    """What the colours of the overlays mean, below them."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("maps", _COLOURS / 255)
    bar = figure.colorbar(ScalarMappable(cmap=colours), ax=grid, location="bottom", shrink=0.5, aspect=40, pad=0.02)
    bar.set_ticks([0, 1], labels=["no evidence", "the most"])
    bar.outline.set_visible(False)
