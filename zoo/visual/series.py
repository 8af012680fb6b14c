"""Lines over a number, such as a depth, a ratio or a time, and points that weigh one number against another."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.visual._figure import COLOURS, MARKERS, check_picture, current, drawn, new_figure, write

_NAME_SIZE = 7.5
_FAR = (8, 13, 18, 23, 30, 38, 47, 57, 68, 80)
"""How far from its point a name may stand, in points."""
_AROUND = 24
"""In how many directions."""
_NEAR = 8
"""A name that is farther away has a line to its point."""
_ROUNDS = 6
"""How often each name may move once the others have a place."""


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
    figure = new_figure(7.6, 4.8, "constrained")
    axes = figure.add_subplot()
    groups = list(dict.fromkeys(point["group"] for point in points))
    for index, group in enumerate(groups):
        inside = [point for point in points if point["group"] == group]
        x, y = [point["cost"] for point in inside], [point["value"] for point in inside]
        color, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        axes.scatter(x, y, color=color, marker=marker, s=42, label=group.replace("_", " "), zorder=3)
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
    figure.set_layout_engine("none")  # the axes stay where they are while the names find their places
    _name_points(axes, points, marked)
    return write(figure, path)


def _name_points(axes: Any, points: Sequence[Mapping[str, Any]], marked: str | None) -> None:
    """Writes the names beside their points, so that as few as possible stand on one another, and none is cut.

    Each takes the best place while the others stay, in a few rounds; from the same points always come the same places.
    """
    line = {"arrowstyle": "-", "color": current().other, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3}
    pixels = axes.figure.dpi / 72
    renderer = axes.figure.canvas.get_renderer()
    anchors = axes.transData.transform([(point["cost"], point["value"]) for point in points])
    radii = [(9 if point["name"] == marked else 5) * pixels for point in points]
    dots = np.array([(x - r, y - r, x + r, y + r) for (x, y), r in zip(anchors, radii, strict=True)])
    offsets, boxes = [], []
    for point, anchor in zip(points, anchors, strict=True):
        text = axes.text(0, 0, point["name"], fontsize=_NAME_SIZE)
        extent = text.get_window_extent(renderer)
        text.remove()
        width, height = extent.width + 4 * pixels, extent.height + 2 * pixels  # with a little room around
        places = np.array(list(_places(width, height, pixels)))
        offsets.append(places)
        low = anchor + places[:, :2] - (width / 2, height / 2)
        boxes.append(np.concatenate([low, low + (width, height)], axis=1))
    chosen = [0] * len(points)
    room = axes.bbox
    for turn in range(_ROUNDS):
        for number in range(len(points)):
            others = [one for one in range(len(points)) if one != number and (turn or one < number)]
            standing = np.array([boxes[one][chosen[one]] for one in others]).reshape(-1, 4)
            lines = [(anchors[one], anchors[one] + offsets[one][chosen[one], :2]) for one in others]
            lines = [pair for pair, one in zip(lines, others, strict=True) if offsets[one][chosen[one], 2] > _NEAR]
            mine = boxes[number]
            # Rather near than far, and rather beside than above.
            near = 0.15 if points[number]["name"] == marked else 0.02
            cost = near * offsets[number][:, 2] + 0.02 * np.abs(offsets[number][:, 1]) / pixels
            cost += 4 * _overlaps(mine, standing).sum(axis=1) + 3 * _overlaps(mine, dots).sum(axis=1)
            outside = (mine[:, :2] < (room.x0, room.y0)).any(axis=1) | (mine[:, 2:] > (room.x1, room.y1)).any(axis=1)
            cost += 100 * outside
            for begin, end in lines:
                steps = begin + np.linspace(0.1, 1, 12)[:, None] * (end - begin)
                cost += 1.5 * _overlaps(mine, np.concatenate([steps, steps], axis=1)).any(axis=1)
            far = offsets[number][:, 2] > _NEAR
            ways = anchors[number] + np.linspace(0.15, 1, 12)[:, None, None] * offsets[number][None, :, :2]
            for row in ways:
                spots = np.concatenate([row, row], axis=1)
                cost += 0.4 * far * _overlaps(spots, np.concatenate([standing, np.delete(dots, number, 0)])).any(axis=1)
            chosen[number] = int(cost.argmin())
    for point, places, place, box, anchor in zip(points, offsets, chosen, boxes, anchors, strict=True):
        middle = (box[place, :2] + box[place, 2:]) / 2 - anchor
        axes.annotate(
            point["name"], (point["cost"], point["value"]), tuple(middle / pixels), textcoords="offset points",
            ha="center", va="center", fontsize=_NAME_SIZE, arrowprops=line if places[place, 2] > _NEAR else None,
        )  # fmt: skip


def _places(width: float, height: float, pixels: float) -> Iterator[tuple[float, float, float]]:
    """Middles of a name around its point, in pixels, and how far from the point its nearest edge is, in points."""
    for far in _FAR:
        for step in range(_AROUND):
            angle = 2 * np.pi * step / _AROUND
            across, up = float(np.cos(angle)), float(np.sin(angle))
            x = far * pixels * across + width / 2 * np.sign(round(across, 6))
            yield float(x), far * pixels * up + height / 2 * up, far


def _overlaps(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which boxes (x0, y0, x1, y1) of (N, 4) lie over which of (M, 4)."""
    first, second = some[:, None], others[None]
    return np.all((first[..., :2] < second[..., 2:]) & (first[..., 2:] > second[..., :2]), axis=-1)
