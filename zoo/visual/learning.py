"""Pictures of a training run: curves over the epochs, and which classes are taken for which."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.visual._figure import check_png, new_figure, write

_TRAIN, _VALIDATION = "#8a8a8a", "#3b6ea8"
_MOST_NUMBERS = 40  # classes beyond which cells are too small for numbers


def plot_learning_curves(rows: Sequence[Mapping[str, float]], *, path: str | os.PathLike[str]) -> Path:
    """Draws loss and accuracy over the epochs, of training and of validation.

    Args:
        rows: one for each epoch, with `epoch` (from 0), `loss`, `accuracy`, `val_loss` and `val_accuracy`, as
            `history.csv` has them.
        path: the PNG file to write; its folder must exist.

    Returns:
        The path.

    Raises:
        ValueError: no rows, or another ending than `.png`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> row = {"epoch": 0, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.1, "val_accuracy": 0.4}
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "curves.png"
        >>> plot_learning_curves([row, row | {"epoch": 1}], path=path).stat().st_size > 1000
        True
    """
    check_png(path)
    if not rows:
        raise ValueError("Expected at least one epoch to draw; got none.")
    figure = new_figure(9.0, 3.6, layout="constrained")
    epochs = [row["epoch"] + 1 for row in rows]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for key, label, color in ((name, "training", _TRAIN), (f"val_{name}", "validation", _VALIDATION)):
            axes.plot(epochs, [row[key] for row in rows], color=color, label=label, marker=".", linewidth=1.5)
        axes.set(xlabel="epoch", title=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color="#e6e6e6")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].legend(frameon=False)
    return write(figure, path)


def plot_confusion(counts: Any, names: Sequence[str], *, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draws how often examples of each class (a row) were taken for each class (a column).

    Args:
        counts: whole numbers of shape (classes, classes), as `zoo.evaluation.confusion` counts them.
        names: of the classes.
        path: the PNG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no square table, another number of names, or another ending than `.png`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "confusion.png"
        >>> plot_confusion([[3, 1], [0, 4]], ["cat", "dog"], path=path).stat().st_size > 1000
        True
    """
    check_png(path)
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape != (len(names), len(names)):
        raise ValueError(f"Expected counts of shape ({len(names)}, {len(names)}); got {table.shape}.")
    side = min(2.5 + 0.45 * len(names), 16.0)
    figure = new_figure(side, side, layout="constrained")
    axes = figure.subplots()
    axes.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=45, ha="right")
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set(xlabel="taken for", ylabel="is", title=title)
    if len(names) <= _MOST_NUMBERS:
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        for row, column in zip(*np.nonzero(table), strict=True):
            color = "white" if shares[row, column] > 0.5 else "#222222"
            axes.text(column, row, str(table[row, column]), ha="center", va="center", color=color)
    return write(figure, path)


def _short(name: str) -> str:
    return name if len(name) <= 20 else name[:19] + "…"
