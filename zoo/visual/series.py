"""Lines over a number, such as a depth, a ratio or a time, and points that weigh one number against another."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.visual._figure import COLOURS, MARKERS, check_picture, current, drawn, new_figure, write

_PLACES = [(6, 0, "left"), (-6, 0, "right"), (5, 7, "left"), (5, -7, "left"), (-5, 7, "right"), (-5, -7, "right")]
_PLACES += [(0, 12, "center"), (0, -12, "center"), (6, 16, "left"), (-6, -16, "right")]
_PLACES += [
    (x, y, side) for far in (20, 30, 40, 50, 60) for x, side in ((-8, "right"), (8, "left")) for y in (-far, far)
]
"""Where the name of a point may stand, in points from it; the first place is taken that is free."""
_NEAR = 16
"""A name that is farther away has a line to its point."""


@drawn
def plot_series(
    series: Mapping[str, tuple[Any, Any]],
    *,
    path: str | os.PathLike[str],
    labels: tuple[str, str],
    title: str | None = None,
    logarithmic: bool = False,
    spread: Mapping[str, Sequence[float]] | None = None,
) -> Path:
    """Draws one line for each name, with the names beside their ends.

    Args:
        series: x and y of each line, numbers, by its name; NaN leaves a gap.
        path: the PNG or SVG file to write; its folder must exist.
        labels: of the axes x and y.
        title: a line above.
        logarithmic: powers of two on the x axis.
        spread: half the width of a band around a line, by its name.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, lengths that do not match, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "lines.svg"
        >>> plot_series({"D": ([2, 4], [80.0, 81.0])}, path=path, labels=("layers", "%")).stat().st_size > 1000
        True
    """
    check_picture(path)
    rows = {name: (np.asarray(x, float), np.asarray(y, float)) for name, (x, y) in series.items()}
    if not rows or any(x.shape != y.shape or x.ndim != 1 or not np.isfinite(y).any() for x, y in rows.values()):
        raise ValueError("Expected one or more curves of finite values, with as many x as y.")
    figure = new_figure(6.4, 3.9, "constrained")
    axes = figure.add_subplot()
    for index, (name, (x, y)) in enumerate(rows.items()):
        color, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.plot(x, y, color=color, marker=marker if len(x) < 40 else "", label=name)
        band = (spread or {}).get(name)
        if band is not None:
            axes.fill_between(x, y - np.asarray(band), y + np.asarray(band), color=color, alpha=0.2, linewidth=0)
    if logarithmic:
        ticks = sorted({value for x, _ in rows.values() for value in x})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title or "")
    axes.grid()
    if len(rows) > 1:
        axes.legend()
    return write(figure, path)


@drawn
def plot_tradeoff(
    points: Sequence[Mapping[str, Any]],
    *,
    path: str | os.PathLike[str],
    labels: tuple[str, str],
    title: str | None = None,
    marked: str | None = None,
) -> Path:
    """Draws models as points, what they cost to the right and what they reach upwards.

    Args:
        points: each with `name`, `group` (a colour and a shape), `cost` above 0 and `value`.
        path: the PNG or SVG file to write; its folder must exist.
        labels: of the axes of cost and value.
        title: a line above.
        marked: name of the point that gets a ring.

    Returns:
        The path.

    Raises:
        ValueError: no points, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "size.svg"
        >>> points = [{"name": "small", "group": "e4net", "cost": 18118, "value": 98.4}]
        >>> plot_tradeoff(points, path=path, labels=("parameters", "accuracy, %")).stat().st_size > 1000
        True
    """
    from matplotlib.ticker import LogLocator

    check_picture(path)
    if not points:
        raise ValueError("Expected one or more points; got none.")
    figure = new_figure(7.6, 4.4, "constrained")
    axes = figure.add_subplot()
    groups = list(dict.fromkeys(point["group"] for point in points))
    for index, group in enumerate(groups):
        inside = [point for point in points if point["group"] == group]
        x, y = [point["cost"] for point in inside], [point["value"] for point in inside]
        color, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.scatter(x, y, color=color, marker=marker, s=42, label=group, zorder=3)
    for point in points:
        if point["name"] == marked:
            axes.scatter([point["cost"]], [point["value"]], s=170, facecolor="none", edgecolor=current().ink, zorder=4)
    axes.set(xscale="log", xlabel=labels[0], ylabel=labels[1], title=title or "")
    axes.margins(x=0.22, y=0.16)
    axes.grid()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
    axes.xaxis.set_minor_formatter("")
    if len(groups) > 1:
        figure.legend(loc="outside lower center", ncols=len(groups))
    figure.canvas.draw()
    _name_points(axes, points)
    return write(figure, path)


def _name_points(axes: Any, points: Sequence[Mapping[str, Any]]) -> None:
    """Writes the names where nothing else stands, as far as there is room."""
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

    line = {"arrowstyle": "-", "color": current().other, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    renderer = axes.figure.canvas.get_renderer()
    places = axes.transData.transform([(point["cost"], point["value"]) for point in points])
    taken = [Bbox.from_bounds(x - 5, y - 5, 10, 10) for x, y in places]
    for point in points:
        best = None
        for x, y, side in _PLACES:
            text = axes.annotate(
                point["name"], (point["cost"], point["value"]), (x, y), textcoords="offset points", ha=side,
                va="center", fontsize=7.5, arrowprops=line if abs(y) > _NEAR else None,
            )  # fmt: skip
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)  # without the line, which may cross what it likes
            outside = box.x0 < axes.bbox.x0 or box.x1 > axes.bbox.x1 or box.y1 > axes.bbox.y1 or box.y0 < axes.bbox.y0
            hits = sum(box.overlaps(other) for other in taken) + 3 * outside
            if best is None or hits < best[0]:
                if best is not None:
                    best[1].remove()
                best = (hits, text, box)
            else:
                text.remove()
            if hits == 0:
                break
        assert best is not None
        taken.append(best[2])
