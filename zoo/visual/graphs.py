"""Curves of graph networks: energy over the time steps, accuracy over the depth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.math.values import check_whole
from zoo.visual._figure import check_png, new_figure, write

_COLORS = ("#1f6f8b", "#c8553d", "#5b8c5a", "#8d6a9f", "#b08900", "#444444")


def plot_graph_energy(
    energies: Mapping[str, Sequence[float] | np.ndarray], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws the energy of one or more networks over their time steps, relative to the first.

    Args:
        energies: what `zoo.evaluation.graph_energy` returned, by a name for the legend.
        path: the PNG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, no lists of numbers by name, values that are not finite, or another ending than
            `.png`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "energy.png"
        >>> plot_graph_energy({"D": [2.0, 1.5, 1.2]}, path=path).stat().st_size > 1000
        True
    """
    if not isinstance(energies, Mapping):
        raise ValueError(f'Expected energies by name, as {{"D": [2.0, 1.5]}}; got {type(energies).__name__}.')
    curves = {name: _row(values, f"energies of {name!r}") for name, values in energies.items()}
    if any(not len(y) or not y[0] > 0 for y in curves.values()):
        raise ValueError("Expected energies that start above 0.")
    relative = {name: (np.arange(len(y)), y / y[0]) for name, y in curves.items()}
    return _draw(relative, path, title, labels=("time step", "energy / energy at the start"))


def plot_depths(
    accuracies: Mapping[str, Mapping[int, float]], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws accuracy over depth, one curve a network, with the depth on a logarithmic axis.

    Args:
        accuracies: for each network its accuracy in percent by depth.
        path: the PNG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, no accuracies by depth by name, depths that are no whole numbers of at least 1,
            values that are not finite, or another ending than `.png`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "depth.png"
        >>> plot_depths({"D": {2: 80.0, 64: 82.0}, "GCN": {2: 81.0, 64: 30.0}}, path=path).stat().st_size > 1000
        True
    """
    if not isinstance(accuracies, Mapping) or not all(isinstance(curve, Mapping) for curve in accuracies.values()):
        given = accuracies.values() if isinstance(accuracies, Mapping) else [accuracies]
        kind = next(type(value).__name__ for value in given if not isinstance(value, Mapping))
        raise ValueError(f'Expected accuracies by name and depth, as {{"D": {{2: 80.0, 64: 82.0}}}}; got a {kind}.')
    curves = {}
    for name, by_depth in accuracies.items():
        for depth in by_depth:
            check_whole(f"depth of {name}", depth)
        depths = sorted(by_depth)
        curves[name] = (np.asarray(depths), _row([by_depth[d] for d in depths], f"accuracies of {name!r}"))
    return _draw(curves, path, title, labels=("layers", "accuracy, %"), logarithmic=True)


def _row(values: Any, what: str) -> np.ndarray:
    """Numbers in a row."""
    try:
        row = np.asarray(values)
    except (TypeError, ValueError):  # ragged lists
        row = np.empty((), object)
    if row.ndim != 1 or (row.size and row.dtype.kind not in "biuf"):
        raise ValueError(f"Expected {what} as a list of numbers; got {values!r:.60}.")
    return row.astype(float)


def _draw(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    path: str | os.PathLike[str],
    title: str | None,
    *,
    labels: tuple[str, str],
    logarithmic: bool = False,
) -> Path:
    check_png(path)
    if not curves or any(not len(y) or not np.isfinite(y).all() for _, y in curves.values()):
        raise ValueError("Expected one or more curves of finite values.")
    figure = new_figure(6, 4, "constrained")
    axes = figure.add_subplot()
    for index, (name, (x, y)) in enumerate(curves.items()):
        axes.plot(x, y, "o-", color=_COLORS[index % len(_COLORS)], markersize=3, label=name)
    if logarithmic:
        ticks = sorted({int(value) for x, _ in curves.values() for value in x})
        axes.set_xscale("log", base=2)
        axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set(xlabel=labels[0], ylabel=labels[1], title=title or "")
    axes.grid(color="#e6e6e6")
    axes.legend(frameon=False)
    return write(figure, path)
