"""A network drawn from the model itself: what flows where, how large it is, and what has the weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.visual._figure import COLOURS, check_picture, current, drawn, new_figure, write

_LINE, _LONGEST_PATTERN = 0.44, 8
_UNSEEN = ("Normalization", "Activation", "ReLU", "Dropout", "InputLayer", "Rescaling", "Identity", "Flatten")
_OTHERS = (COLOURS[1], COLOURS[3], COLOURS[4])
"""Of layers that a plain network does not have."""
_JOINS = ("Add", "Concatenate", "Average", "Multiply", "Maximum")


@dataclass(frozen=True)
class Step:
    """One layer as a picture shows it; layers that look alike are equal.

    Attributes:
        kind: its class.
        window: sides of its kernel or window, or ().
        shape: of what it puts out, without the batch; open sides are None.
        weights: how many numbers it learns.
    """

    kind: str
    window: tuple[int, ...]
    shape: tuple[int | None, ...]
    weights: int


@drawn
def plot_architecture(model: keras.Model, *, path: str | os.PathLike[str], title: str | None = None) -> Path:
    """Draws the layers of a functional model from the input to the output, repeated ones once.

    A bar is as wide as the map's side and as high as the logarithm of its channels; its colour is the layer's class:
    blue for convolutions, green for pools, light blue for dense layers, others for what plain networks do not have.
    Beside it stand class, window, shape and number of weights. What is done to every number alone (normalization,
    activation, dropout) is left out; sums and concatenations are counted in the last line, and their branches stand one
    after another.

    Args:
        model: a functional model, of zoo or not.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above; by default the model's name and its number of parameters.

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
    steps = list(architecture_steps(model))
    groups = list(_repeated(steps))
    rows = [
        (step, times if place == 0 else 0, len(group)) for group, times in groups for place, step in enumerate(group)
    ]
    kinds = list(dict.fromkeys(step.kind for step in steps))
    others = [kind for kind in kinds if _colour(kind) is None]
    colors = {kind: _colour(kind) or _OTHERS[others.index(kind) % len(_OTHERS)] for kind in kinds}
    figure = new_figure(6.4, _LINE * (len(rows) + 2.9))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, 6.4), ylim=(len(rows) + 1.9, -1.0))
    named = title or f"{model.name}: {_trained(model):,} parameters"
    axes.text(0.25, -0.55, named, fontsize=11, fontweight="bold", va="center")
    _draw_row(axes, 0, 1.0, 0.12, current().other, "input", " + ".join(_inputs(model)))
    largest = max((side for step in steps for side in step.shape[:-1][:2] if side and len(step.shape) == 3), default=1)
    axes.plot([1.2, 1.2], [0.5, len(rows) + 0.5], color=current().faint, linewidth=2, zorder=0)  # not beyond the last
    for row, (step, times, length) in enumerate(rows, start=1):
        width, height = _size(step, largest)
        window = "x".join(map(str, step.window))
        facts = [_shape(step.shape), f"{step.weights:,} weights" if step.weights else ""]
        _draw_row(
            axes, row, width, height, colors[step.kind], f"{step.kind} {window}", "  ·  ".join(filter(None, facts))
        )
        if times > 1:
            _draw_times(axes, row, length, times)
    joins = [type(layer).__name__ for layer in model.layers if type(layer).__name__ in _JOINS]
    said = ", ".join(f"{joins.count(name)} x {name}" for name in dict.fromkeys(joins))
    below = "bar: side of the map, and channels (logarithmic); normalization and activation are not drawn"
    note = {"color": current().other, "fontsize": 7.5, "va": "center"}
    axes.text(0.25, len(rows) + 1.35, below, **note)
    axes.text(0.25, len(rows) + 1.65, f"with {said}, whose branches stand one after another" if said else "", **note)
    return write(figure, path)


def _colour(kind: str) -> str | None:
    """One colour in all pictures for what every network has."""
    usual = {"Conv2D": COLOURS[0], "DepthwiseConv2D": COLOURS[0], "Dense": COLOURS[5]}
    return COLOURS[2] if "Pool" in kind else usual.get(kind)


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
        >>> next(architecture_steps(zoo.build("resnet32_cifar10")))
        Step(kind='Conv2D', window=(3, 3), shape=(32, 32, 16), weights=432)
    """
    functional = _keras.functional_of(model)
    if functional is None:
        raise ValueError(f"{model.name!r} is no functional model with a graph of layers to draw.")
    for call in _keras.nodes(functional):
        layer, kind = call.operation, type(call.operation).__name__
        if isinstance(layer, keras.layers.Layer) and not any(word in kind for word in _UNSEEN):
            weights = _trained(layer)
            if weights or "Pool" in kind:
                shape = tuple(call.outputs[0].shape)
                yield Step(kind, _window(layer), shape[1:] if shape[0] is None else shape, weights)


def _trained(layer: Any) -> int:
    return sum(int(np.prod(weight.shape)) for weight in layer.trainable_weights)


def _window(layer: Any) -> tuple[int, ...]:
    found = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or ()
    sides = found if isinstance(found, (tuple, list)) else (found, found)
    return tuple(int(side) for side in sides)


def _inputs(model: keras.Model) -> list[str]:
    return [_shape(tuple(tensor.shape)[1:]) for tensor in model.inputs]


def _shape(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if side is None else f"{side}" for side in shape)


def _repeated(steps: list[Step]) -> Iterator[tuple[list[Step], int]]:
    """Runs of equal patterns as one pattern and how often it comes."""
    start = 0
    while start < len(steps):
        best, times = 1, 1
        for length in range(1, _LONGEST_PATTERN + 1):
            pattern, count = steps[start : start + length], 1
            while steps[start + count * length : start + (count + 1) * length] == pattern:
                count += 1
            if count > 1 and count * length > best * times:
                best, times = length, count
        yield steps[start : start + best], times
        start += best * times


def _size(step: Step, largest: int) -> tuple[float, float]:
    """Width and height of a bar, parts of the room for it."""
    side = step.shape[1] if len(step.shape) == 3 else None
    width = 1.0 if len(step.shape) == 2 else max(0.06, (side or 1) / largest) if len(step.shape) == 3 else 0.06
    return min(width, 1.0), min(0.12 + 0.075 * float(np.log2(step.shape[-1] or 1)), 0.84)


def _draw_row(axes: Any, row: int, width: float, height: float, color: str, name: str, facts: str) -> None:
    from matplotlib.patches import Rectangle

    full = 1.55
    axes.add_patch(
        Rectangle((1.2 - full * width / 2, row + 0.5 - height / 2), full * width, height, color=color, zorder=2)
    )
    axes.text(2.3, row + 0.32, name, fontsize=9, fontweight="bold", va="center")
    axes.text(2.3, row + 0.72, facts, fontsize=8, color=current().other, va="center")


def _draw_times(axes: Any, row: int, length: int, times: int) -> None:
    top, bottom = row + 0.1, row + length - 0.1
    axes.plot([5.55, 5.65, 5.65, 5.55], [top, top, bottom, bottom], color=current().other, linewidth=1.2)
    axes.text(5.75, (top + bottom) / 2, f"x {times}", fontsize=10, fontweight="bold", va="center")
