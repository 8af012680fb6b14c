"""Pictures of log-polar convolutions: regions, kernels, receptive fields, and scores of regions."""

from __future__ import annotations

import colorsys
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.math import LogPolarMap
from zoo.visual._figure import ORDERED, check_picture, current, drawn, new_figure, signed, write

_INK, _OUTSIDE = "#222222", "#f2f2f2"  # on cells of every theme
_MOST_KERNELS = 64
_SHARES = (0, 0.05, 0.2, 0.5, 1)  # ticks of a scale that is a square root


@drawn
def plot_regions(regions: LogPolarMap, *, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draws the cells of a window in the colours of their regions, with their numbers and the circles of the rings.

    Args:
        regions: what `zoo.math.log_polar_map` returned, or `LogPolarConv2D.regions`.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no map, or another ending than `.png` or `.svg`.

    Example:
        >>> import tempfile
        >>> from zoo.math import log_polar_map
        >>> path = Path(tempfile.mkdtemp()) / "regions.png"
        >>> plot_regions(log_polar_map(9, 2, 6, 3), path=path).stat().st_size > 1000
        True
    """
    from matplotlib.patches import Circle

    if not isinstance(regions, LogPolarMap):
        raise ValueError(f"Expected a LogPolarMap, such as the `regions` of a layer; got {type(regions).__name__}.")
    height, width = regions.region.shape
    figure, (axes,) = _canvas(1, title, path, size=0.42 * max(height, width) + 0.6)
    colors = [_region_color(r // regions.angles, r % regions.angles, regions) for r in range(regions.regions)]
    pixels = np.full((height, width, 3), [int(_OUTSIDE[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    inside = regions.region >= 0
    pixels[inside] = np.array(colors)[regions.region[inside]]
    axes.imshow(pixels, interpolation="nearest")
    for (row, column), region in np.ndenumerate(regions.region):
        if region >= 0:
            axes.text(column, row, str(region), ha="center", va="center", fontsize=7, color=_INK)
    row, column = regions.center
    if height == width:  # elsewhere the rings are ellipses, and may be turned
        for radius in regions.radii:
            axes.add_patch(Circle((column, row), radius, fill=False, color=_INK, linewidth=1))
    axes.add_patch(Circle((column, row), 0.45, fill=False, color=_INK, linewidth=1.5))
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
    return write(figure, path)


@drawn
def plot_kernels(
    layer: keras.layers.Layer, *, path: str | os.PathLike[str], count: int = 16, title: str | None = None
) -> Path:
    """Draws the kernels of the ordinary convolution that a layer stands for.

    Layers with three input channels are drawn in colour, each kernel scaled to its own largest weight; of others the
    mean over the input channels is drawn, orange above and blue below 0.

    Args:
        layer: built; has `plain_convolution`, as the convolutions of `zoo.layers`, or is a `keras.layers.Conv2D`.
        path: the PNG or SVG file to write; its folder must exist.
        count: how many of its filters, 64 at most.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: a layer that is no convolution, such as one of maxima, or is not built, or another ending
            than `.png`.

    Example:
        >>> import tempfile, zoo
        >>> model = zoo.build("lpsc_resnet20_cifar10")
        >>> path = Path(tempfile.mkdtemp()) / "kernels.png"
        >>> plot_kernels(model.get_layer("stem"), path=path).stat().st_size > 1000
        True
    """
    kernel = _plain_kernel(layer)
    count = max(1, min(count, kernel.shape[-1], _MOST_KERNELS))
    columns = min(8, count)
    figure, panels = _canvas(count, title, path, size=1.1, columns=columns)
    for index, axes in enumerate(panels):
        one = kernel[..., index]
        if one.shape[-1] == 3:
            axes.imshow(0.5 + one / (2 * np.abs(one).max() or 1.0), interpolation="nearest")
        else:
            one = one.mean(axis=-1)
            bound = np.abs(one).max() or 1.0
            axes.imshow(one, cmap=signed(), vmin=-bound, vmax=bound, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
    return write(figure, path)


@drawn
def plot_receptive_fields(
    fields: Mapping[str, np.ndarray], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws effective receptive fields side by side, each relative to its largest value, on a square-root scale.

    Args:
        fields: what `zoo.evaluation.effective_receptive_field` returned, by a name.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, or another ending than `.png` or `.svg`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "fields.png"
        >>> plot_receptive_fields({"plain": np.eye(9), "log-polar": np.ones((9, 9))}, path=path).stat().st_size > 1000
        True
    """
    if not isinstance(fields, Mapping):
        raise ValueError(f"Expected fields by a name, as in {{'trained': field}}; got {type(fields).__name__}.")
    if not fields or any(np.ndim(field) != 2 or not np.max(field) > 0 for field in fields.values()):
        raise ValueError("Expected one or more fields (height, width) with values above 0.")
    figure, panels = _canvas(len(fields), title, path, size=3.0)
    for axes, (name, field) in zip(panels, fields.items(), strict=True):
        shown = axes.imshow(np.sqrt(field / np.max(field)), cmap=ORDERED, vmin=0, vmax=1, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        axes.set_title(name, fontsize=10, fontweight="normal")
    bar = figure.colorbar(shown, ax=panels, shrink=0.8, aspect=15, pad=0.01, label="share of the largest")
    bar.set_ticks(np.sqrt(_SHARES), labels=[f"{share:g}" for share in _SHARES])
    bar.outline.set_visible(False)
    return write(figure, path)


@drawn
def plot_region_scores(
    scores: np.ndarray, *, path: str | os.PathLike[str], radii: np.ndarray | None = None, title: str | None = None
) -> Path:
    """Draws one score a log-polar region as a disc of rings and sectors, with the numbers in it.

    Args:
        scores: shape (L, A), as `zoo.evaluation.region_means` returns them.
        path: the PNG or SVG file to write; its folder must exist.
        radii: outer radii of the rings; None draws rings of equal width.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no table, radii that do not fit, or another ending than `.png` or `.svg`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scores.png"
        >>> scores = np.linspace(1, 0, 24).reshape(3, 8)
        >>> plot_region_scores(scores, path=path).stat().st_size > 1000
        True
    """
    scores = np.asarray(scores, float)
    outer = np.arange(1.0, len(np.atleast_1d(scores)) + 1) if radii is None else np.asarray(radii, float)
    if scores.ndim != 2 or not np.isfinite(scores).any() or outer.shape != scores.shape[:1]:
        raise ValueError(f"Expected scores (L, A) and L radii; got {scores.shape} and {outer.shape}.")
    figure, (axes,) = _canvas(1, title, path, size=5.0, polar=True)
    low, high = np.nanmin(scores), np.nanmax(scores)
    inner, step = np.concatenate([[0.0], outer[:-1]]), 2 * np.pi / scores.shape[1]
    from matplotlib import colormaps

    for (ring, sector), score in np.ndenumerate(scores):
        share = (score - low) / (high - low or 1.0)
        color = colormaps[ORDERED](share) if np.isfinite(score) else _OUTSIDE
        middle, center, width = (sector + 0.5) * step, (inner[ring] + outer[ring]) / 2, outer[ring] - inner[ring]
        axes.bar(middle, width, step, bottom=inner[ring], color=color, edgecolor=current().ground, linewidth=1)
        ink = "white" if share < 0.6 else _INK
        axes.text(middle, center, f"{score:.2f}", ha="center", va="center", fontsize=8, color=ink)
    axes.set(yticks=[], xticks=[], ylim=(0, outer[-1]))
    axes.spines[:].set_visible(False)
    axes.grid(visible=False)
    return write(figure, path)


def _plain_kernel(layer: keras.layers.Layer) -> np.ndarray:
    if not isinstance(layer, keras.layers.Layer):
        raise ValueError(f"Expected a convolution; got {type(layer).__name__}.")
    if not layer.built and (hasattr(layer, "plain_convolution") or isinstance(layer, keras.layers.Conv2D)):
        raise ValueError(f"Layer {layer.name!r} has no weights yet: call it, or build(input_shape), first.")
    if hasattr(layer, "plain_convolution"):
        found = layer.plain_convolution()
        if found is None:
            raise ValueError(f"Layer {layer.name!r} is no convolution, so there is no kernel to draw.")
        return np.asarray(keras.ops.convert_to_numpy(found[0]))
    if isinstance(layer, keras.layers.Conv2D):
        return np.asarray(keras.ops.convert_to_numpy(layer.kernel))
    raise ValueError(f"Expected a convolution; {layer.name!r} is a {type(layer).__name__}.")


def _region_color(ring: int, sector: int, regions: LogPolarMap) -> tuple[float, float, float]:
    """Sectors differ in hue; every second ring is paler, so that neighbours never look alike."""
    return colorsys.hsv_to_rgb(sector / regions.angles, (0.55, 0.25)[ring % 2], 0.95 - 0.05 * (ring // 2))


def _canvas(
    count: int,
    title: str | None,
    path: str | os.PathLike[str],
    *,
    size: float,
    columns: int | None = None,
    polar: bool = False,
) -> tuple[Any, list[Any]]:
    """A figure and its panels, `size` inches each."""
    check_picture(path)
    columns = columns or count
    rows = -(-count // columns)
    figure = new_figure(size * columns, size * rows + (0.4 if title else 0.1), "constrained")
    if title:
        figure.suptitle(title)
    options = {"projection": "polar"} if polar else {}
    return figure, [figure.add_subplot(rows, columns, index + 1, **options) for index in range(count)]
