"""A network drawn from the model itself: what flows where, how large it is, and what has the weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.visual._figure import COLOURS, check_picture, current, drawn, new_figure, write
from zoo.visual._steps import Drawing, Step, count_weights, read_network, repeated

__all__ = ["Step", "architecture_steps", "plot_architecture"]

# In inches: of a row, of the whole, of the bars' middle and greatest width, of the words and the numbers of times.
_LINE, _WIDTH, _MIDDLE, _BAR, _WORDS, _TIMES = 0.44, 5.4, 1.25, 1.3, 2.2, 4.75
_NOTE, _KEYS = 0.18, 3
"""Height of a line below the picture, and how many colours it explains."""
_LANES, _USED = (0.5, 0.38, 0.26, 0.14), 2.02
"""Where the lines of branches run, and that to the users of shared weights."""
_OTHERS = (COLOURS[1], COLOURS[3], COLOURS[4])
"""Of layers that a plain network does not have."""
_USUAL = {"convolution": COLOURS[0], "pooling": COLOURS[2], "dense": COLOURS[5]}
_SIGNS = {"Add": "+", "Multiply": "×", "Concatenate": "‖", "Subtract": "-"}


@drawn
def plot_architecture(model: keras.Model, *, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draws the layers of a functional model from the input to the output, repeated ones once.

    A bar is as wide as the map's side and as high as the logarithm of its channels. Blue, green and light blue are the
    convolutions, pools and dense layers of any network, other colours what plain networks do not have. Beside a bar
    stand class, window, shape and number of weights. A line on the left is a branch, with a circle where it comes back;
    bars with nothing inside lie on one. A dotted line on the right goes from weights to the layers that share them.
    What is done to every number alone (normalization, activation, dropout) is left out.

    Args:
        model: a functional model, of zoo or not.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above, over the number of parameters; by default the model's name.

    Returns:
        The path.

    Raises:
        ValueError: a model without a graph of layers, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile, zoo
        >>> path = Path(tempfile.mkdtemp()) / "network.svg"
        >>> plot_architecture(zoo.build("e4net_mnistrot"), path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    drawing = read_network(model)
    rows = _Rows(drawing)
    colors = _colours(drawing.steps)
    key, notes = _key(colors), list(_notes(drawing))
    lines = -(-len(key) // _KEYS) + len(notes)
    figure = new_figure(_WIDTH, _LINE * (rows.count + 2.3) + _NOTE * lines)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    below = rows.count + 1.3
    axes.set(xlim=(0, _WIDTH), ylim=(below + _NOTE * lines / _LINE, -1.0))
    axes.text(0.14, -0.65, title or model.name, fontsize=10, fontweight="bold", va="center")
    axes.text(0.14, -0.25, f"{count_weights(model):,} parameters", color=current().other, va="center")
    axes.plot([_MIDDLE, _MIDDLE], [0.5, rows.count + 0.5], color=current().faint, linewidth=2, zorder=0)
    _draw_row(axes, 0, (1.0, 0.12), current().other, "input", _inputs(model))
    largest = max((step.shape[1] or 1 for step in drawing.steps if len(step.shape) == 3), default=1)
    sizes = {number: _size(step, largest) for number, step in enumerate(drawing.steps, start=1)}
    for row, (number, times, length) in enumerate(rows.shown, start=1):
        step = drawing.steps[number - 1]
        facts = [_shape(step.shape), f"{step.weights:,} weights" if step.weights else ""]
        name = f"{step.kind} {'x'.join(map(str, step.window))}"
        shown = "  ·  ".join(filter(None, facts))
        _draw_row(axes, row, sizes[number], colors[step.kind], name, shown, hollow=step.on_branch)
        if times > 1:
            _draw_times(axes, row, length, times)
    _draw_branches(axes, drawing, rows, sizes)
    _draw_users(axes, drawing, rows, sizes, colors)
    _draw_key(axes, below, key, notes)
    return write(figure, path)


def architecture_steps(model: keras.Model) -> Iterator[Step]:
    """The layers of a functional model that a drawing shows, in their order.

    Args:
        model: a functional model.

    Returns:
        A `Step` for each layer that has weights of its own or changes the size of a map.

    Raises:
        ValueError: a model without a graph of layers.

    Example:
        >>> import zoo
        >>> step = next(architecture_steps(zoo.build("resnet32_cifar10")))
        >>> step.kind, step.window, step.shape, step.weights
        ('Conv2D', (3, 3), (32, 32, 16), 432)
    """
    return iter(read_network(model).steps)


class _Rows:
    """Which step each row of the picture shows: of a repeated pattern the first copy.

    Attributes:
        shown: number of the step, how often its pattern comes (0 but in its first row) and how many rows that has.
        count: of rows.
    """

    def __init__(self, drawing: Drawing) -> None:
        self.shown: list[tuple[int, int, int]] = []
        self._row = {0: 0}
        number = 1
        for group, times in repeated(drawing.steps):
            first = len(self.shown) + 1
            self.shown += [(number + place, 0 if place else times, len(group)) for place in range(len(group))]
            self._row |= {number + place: first + place % len(group) for place in range(len(group) * times)}
            number += len(group) * times
        self.count = len(self.shown)

    def __getitem__(self, number: int) -> int:
        """The row of a step, or of the copy that stands for it."""
        return self._row[number]

    def __contains__(self, number: int) -> bool:
        """Whether a step has a row of its own."""
        return any(number == step for step, _, _ in self.shown)


def _colours(steps: list[Step]) -> dict[str, str]:
    """One colour in all pictures for what every network has."""
    kinds = list(dict.fromkeys(step.kind for step in steps))
    others = [kind for kind in kinds if _family(kind) is None]
    own = {kind: _OTHERS[place % len(_OTHERS)] for place, kind in enumerate(others)}
    return {kind: own.get(kind) or _USUAL[_family(kind) or ""] for kind in kinds}


def _family(kind: str) -> str | None:
    """What a layer is that any network may have; None for others."""
    usual = {"Conv2D": "convolution", "DepthwiseConv2D": "convolution", "Dense": "dense"}
    return "pooling" if "Pool" in kind else usual.get(kind)


def _key(colors: dict[str, str]) -> dict[str, str]:
    """What each colour means."""
    families = {family: color for family, color in _USUAL.items() if family in map(_family, colors)}
    return families | {kind: color for kind, color in colors.items() if _family(kind) is None}


def _notes(drawing: Drawing) -> Iterator[str]:
    """What the lines and bars mean, below the picture."""
    yield "bar: side of the map, and channels (logarithmic); normalization and activation are not drawn"
    joins = dict.fromkeys(kind for step in drawing.steps for kind, _ in step.joins)
    if joins:
        signs = ", ".join(f"{_SIGNS.get(kind, '·')} {kind}" for kind in joins)
        empty = any(step.on_branch for step in drawing.steps)
        yield f"lines on the left: branches, back at {signs}" + ("; empty bars lie on one" if empty else "")
    if drawing.users:
        yield "dotted: what these weights are used by"


def _inputs(model: keras.Model) -> str:
    shapes = {tensor.name: _shape(tuple(tensor.shape)[1:]) for tensor in model.inputs}
    return (
        ", ".join(f"{name} {shape}" for name, shape in shapes.items()) if len(shapes) > 1 else "".join(shapes.values())
    )


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if side is None else f"{side}" for side in shape)


def _size(step: Step, largest: int) -> tuple[float, float]:
    """Width and height of a bar, parts of the room for it."""
    side, channels = step.shape[1] if len(step.shape) == 3 else None, step.shape[-1] if step.shape else None
    width = 1.0 if len(step.shape) == 2 else max(0.06, (side or 1) / largest) if len(step.shape) == 3 else 0.06
    return min(width, 1.0), min(0.12 + 0.065 * float(np.log2(channels or 1)), 0.72)


def _draw_row(
    axes: Any, row: int, size: tuple[float, float], color: str, name: str, facts: str, *, hollow: bool = False
) -> None:
    from matplotlib.patches import Rectangle

    width, height = _BAR * size[0], size[1]
    corner = (_MIDDLE - width / 2, row + 0.5 - height / 2)
    inside = "none" if hollow else color
    axes.add_patch(Rectangle(corner, width, height, facecolor=inside, edgecolor=color, linewidth=1.4, zorder=2))
    axes.text(_WORDS, row + 0.32, name, fontsize=9, fontweight="bold", va="center")
    axes.text(_WORDS, row + 0.72, facts, fontsize=8, color=current().other, va="center")


def _draw_times(axes: Any, row: int, length: int, times: int) -> None:
    top, bottom = row + 0.1, row + length - 0.1
    axes.plot([_TIMES, _TIMES + 0.1, _TIMES + 0.1, _TIMES], [top, top, bottom, bottom], color=current().other, lw=1.2)
    axes.text(_TIMES + 0.18, (top + bottom) / 2, f"x {times}", fontsize=10, fontweight="bold", va="center")


def _draw_key(axes: Any, below: float, key: dict[str, str], notes: list[str]) -> None:
    """The colours, so many in a line, and under them what else is to be said."""
    said: dict[str, Any] = {"color": current().other, "fontsize": 8, "va": "center"}
    for place, (name, color) in enumerate(key.items()):
        left, height = 0.2 + _WIDTH / _KEYS * (place % _KEYS), below + _NOTE * (place // _KEYS) / _LINE
        axes.plot([left], [height], marker="s", markersize=6, color=color)
        axes.text(left + 0.13, height, name, **said)
    for line, note in enumerate(notes, start=-(-len(key) // _KEYS)):
        axes.text(0.14, below + _NOTE * line / _LINE, note, **said)


def _draw_branches(axes: Any, drawing: Drawing, rows: _Rows, sizes: dict[int, tuple[float, float]]) -> None:
    """A line for each branch, from where it leaves to the circle where it comes back."""
    line = {"color": current().ink, "linewidth": 1.1, "zorder": 1, "solid_joinstyle": "round"}
    taken: list[list[tuple[float, float]]] = [[] for _ in _LANES]
    for number in (number for number, _, _ in rows.shown):
        step = drawing.steps[number - 1]
        for kind, back in step.joins:
            top, bottom = rows[number - back] + 1.04, rows[number] + 0.96
            free = [lane for lane, spans in enumerate(taken) if all(bottom < a or top > b for a, b in spans)]
            lane = free[0] if free else len(_LANES) - 1
            taken[lane].append((top, bottom))
            at = _LANES[lane]
            axes.plot([_MIDDLE, at, at, _MIDDLE], [top, top, bottom, bottom], **line)
            for one in drawing.through[number - back, number]:
                edge = _MIDDLE - _BAR * sizes[one][0] / 2
                axes.plot([at, edge], [rows[one] + 0.5] * 2, **line)
            axes.plot(
                [_MIDDLE], [bottom], marker="o", markersize=8, zorder=3, color=current().ground, mec=current().ink
            )
            sign = {"fontsize": 7, "ha": "center", "va": "center_baseline", "zorder": 4}
            axes.text(_MIDDLE, bottom, _SIGNS.get(kind, "·"), **sign)


def _draw_users(
    axes: Any, drawing: Drawing, rows: _Rows, sizes: dict[int, tuple[float, float]], colors: dict[str, str]
) -> None:
    """A dotted line from each layer whose output is used beside others' inputs to these."""
    for number, users in drawing.users.items():
        if number not in rows:
            continue
        look = {"color": colors[drawing.steps[number - 1].kind], "linewidth": 1.3, "linestyle": ":", "zorder": 1}
        reached = sorted({rows[user] for user in users})
        axes.plot([_USED, _USED], [rows[number] + 0.5, reached[-1] + 0.5], **look)
        for one, row in [(number, rows[number]), *((user, rows[user]) for user in users)]:
            edge = _MIDDLE + _BAR * sizes[one][0] / 2
            axes.plot([edge, _USED], [row + 0.5] * 2, **look)
