"""Curves of graph networks: energy over the time steps, accuracy over the depth."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.math.values import check_whole
from zoo.visual._figure import COLOURS, MARKERS, check_picture, current, drawn, new_figure, words, write
from zoo.visual.series import plot_series


def plot_graph_energy(
    energies: Mapping[str, Sequence[float] | np.ndarray], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws the energy of one or more networks over their time steps, relative to the first.

    Args:
        energies: what `zoo.evaluation.graph_energy` returned, by a name for the legend.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, no lists of numbers by name, values that are not finite, or another ending than
            `.png` or `.svg`.

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
    return plot_series(relative, path=path, title=title, labels=("time step", "energy / energy at the start"))


def plot_depths(
    accuracies: Mapping[str, Mapping[int, float]], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws accuracy over depth, one curve a network, with the depth on a logarithmic axis.

    Args:
        accuracies: for each network its accuracy in percent by depth.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, no accuracies by depth by name, depths that are no whole numbers of at least 1,
            values that are not finite, or another ending than `.png` or `.svg`.

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
    return plot_series(curves, path=path, title=title, labels=("layers", "accuracy, %"), logarithmic=True)


def _row(values: Any, what: str) -> np.ndarray:
    """Numbers in a row."""
    try:
        row = np.asarray(values)
    except (TypeError, ValueError):  # ragged lists
        row = np.empty((), object)
    if row.ndim != 1 or (row.size and row.dtype.kind not in "biuf"):
        raise ValueError(f"Expected {what} as a list of numbers; got {values!r:.60}.")
    row = row.astype(float)
    if not row.size or not np.isfinite(row).all():
        raise ValueError(f"Expected one or more curves of finite values; got {what} {row.tolist()!r:.60}.")
    return row


@drawn
def plot_graph_features(
    features: Mapping[str, np.ndarray],
    classes: Any,
    *,
    path: str | os.PathLike[str],
    depths: Sequence[int] = (0, 2, 8, -1),
    title: str | None = None,
    labels: Sequence[str] | None = None,
) -> Path:
    """Draws the nodes of a graph at several depths, by their two principal components, coloured by class.

    Features are divided by their length first, and each panel has its own scale, so that it shows how the classes lie
    to one another and not how large the numbers are.

    Args:
        features: what `zoo.evaluation.graph_features` returned, (depth + 1, N, C), by a name for the row.
        classes: class of each node, whole numbers (N,).
        path: the PNG or SVG file to write; its folder must exist.
        depths: which layers, a column each; 0 is before the first, -1 after the last.
        title: a line above.
        labels: names of the classes, shown below beside their colours.

    Returns:
        The path.

    Raises:
        ValueError: nothing to draw, shapes that do not fit, too few labels, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "features.png"
        >>> states = np.random.default_rng(0).random((3, 20, 8))
        >>> plot_graph_features({"D": states}, np.arange(20) % 3, path=path, depths=(0, -1)).stat().st_size > 1000
        True
    """
    check_picture(path)
    classes = np.asarray(classes)
    if not features or any(np.ndim(one) != 3 or one.shape[1:2] != classes.shape for one in features.values()):
        raise ValueError(f"Expected features (depth + 1, N, C) by a name and N classes; got {len(classes)} classes.")
    if labels is not None and not len(labels) > classes.max(initial=0):
        raise ValueError(f"Expected labels of {classes.max(initial=0) + 1} classes or more; got {len(labels)}.")
    figure = new_figure(2.3 * len(depths), 2.15 * len(features) + (0.2 if labels is None else 0.8), "constrained")
    figure.suptitle(title or "")
    grid = figure.subplots(len(features), len(depths), squeeze=False)
    shades = [*COLOURS, current().ink, current().other]
    signs = [*MARKERS, "*", "X"]  # nobody has to tell classes apart by colour alone
    shown = np.unique(classes)

    def looks(kind: int) -> dict[str, str]:
        return {"color": shades[kind % len(shades)], "marker": signs[kind % len(signs)]}

    for line, (name, states) in zip(grid, features.items(), strict=True):
        for axes, depth in zip(line, depths, strict=True):
            number = min(depth, len(states) - 1) if depth >= 0 else len(states) + depth
            points = _principal(np.asarray(states[number], float))
            for kind in shown:
                of_kind = points[classes == kind]
                axes.scatter(*of_kind.T, **looks(kind), s=4, linewidth=0)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            axes.set_title(f"after {number} layers" if number else "before the layers", fontsize=9, fontweight="normal")
        line[0].set_ylabel(name, fontweight="bold")
    if labels is not None:
        dots = [grid[0, 0].scatter([], [], **looks(kind), s=20) for kind in shown]
        names = [words(labels[number]) for number in shown]
        figure.legend(dots, names, loc="outside lower center", ncols=min(len(names), len(depths)), fontsize=8)
    return write(figure, path)


def _principal(rows: np.ndarray) -> np.ndarray:
    """The first two principal components of rows of length one."""
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    rows = rows - rows.mean(axis=0)
    return rows @ np.linalg.svd(rows, full_matrices=False)[2][:2].T
