"""Pictures of a training run: curves over the epochs, and which classes are taken for which."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo._reading import readable
from zoo.hub.paths import FIRST_PART, HISTORY
from zoo.visual._figure import COLOURS, check_picture, current, drawn, new_figure, words, write

_MOST_NUMBERS = 40  # classes beyond which cells are too small for numbers


@drawn
def plot_learning_curves(
    rows: Sequence[Mapping[str, float]] | str | os.PathLike[str],
    *,
    path: str | os.PathLike[str],
    title: str | None = None,
    marks: Mapping[str, int] | None = None,
) -> Path:
    """Draws loss and accuracy over the epochs, of training and of validation.

    Args:
        rows: one for each epoch, with `epoch` (from 0), `loss`, `accuracy`, `val_loss` and `val_accuracy`; or the
            `history.csv` that has them, as `zoo.hub.asset(name, "history.csv")`; or the folder of a run, in which a
            fine-tuned one has two parts, marked here.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.
        marks: words, and the `epoch` at whose beginning they stand beside an upright line, as `{"all layers": 30}`.

    Returns:
        The path.

    Raises:
        ValueError: no rows, a file that is no table of epochs, or another ending than `.png` or `.svg`.
        OSError: a file cannot be read or written.

    Example:
        >>> import pathlib, tempfile, zoo
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "curves.svg"
        >>> plot_learning_curves(zoo.hub.asset("e4net_mnistrot", "history.csv"), path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    if isinstance(rows, (str, os.PathLike)):
        rows, found = read_epochs(Path(rows))
        marks = {**found, **(marks or {})}
    if not rows:
        raise ValueError("Expected at least one epoch to draw; got none.")
    figure = new_figure(8.0, 3.3, layout="constrained")
    figure.suptitle(title or "")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        lines = ((name, "training", current().other, "--"), (f"val_{name}", "validation", COLOURS[0], "-"))
        for key, label, color, dashes in lines:
            points = [(row["epoch"] + 1, row[key]) for row in rows if row.get(key) is not None]
            if points:
                few = "." if len(points) < 40 else ""
                axes.plot(*zip(*points, strict=True), color=color, label=label, marker=few, linestyle=dashes)
        for phase, epoch in (marks or {}).items():
            axes.axvline(epoch + 0.5, color=current().other, linewidth=0.8)
            _name_line(axes, phase, epoch + 0.5)
        axes.set(xlabel="epoch", title=name)
        if name == "accuracy":
            axes.set_ylim(top=min(axes.get_ylim()[1], 1.005))  # there is no more than 1
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid()
        axes.legend()
    return write(figure, path)


def _name_line(axes: Any, phase: str, place: float) -> None:
    """Words beside an upright line, on the side with more room."""
    left, right = axes.get_xlim()
    side, gap, said = ("left", 3, phase) if place < (left + right) / 2 else ("right", -3, f"{phase} →")
    where = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "ha": side}
    axes.annotate(said, (place, 0.5), (gap, 0), fontsize="small", **where)


def read_epochs(path: Path) -> tuple[list[dict[str, float]], dict[str, int]]:
    """The epochs of a `history.csv` or of a run, and the names of its parts with the epochs at which they begin.

    Args:
        path: a `history.csv`, whose empty cells are left out; or the folder of a run. In that of a fine-tuned one the
            epochs of the head alone come first.

    Returns:
        The rows, and of a fine-tuned run `{"then all layers": epoch}`.

    Raises:
        ValueError: the file is no table of epochs.
        OSError: it is not there or cannot be read.

    Example:
        >>> import zoo
        >>> rows, marks = read_epochs(zoo.hub.asset("e4net_mnistrot", "history.csv"))
        >>> len(rows), marks
        (62, {})
    """
    if path.is_dir():
        after, _ = read_epochs(path / HISTORY)
        if not (first := path / FIRST_PART / HISTORY).is_file():
            return after, {}
        before, _ = read_epochs(first)
        return before + [row | {"epoch": row["epoch"] + len(before)} for row in after], {"then all layers": len(before)}
    with readable(path, "history of a training run"), open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
        if any("epoch" not in line or None in line.values() for line in lines):
            raise ValueError("expected a column epoch, and in each line as many values as there are names")
        return [{key: float(value) for key, value in line.items() if value} for line in lines], {}


@drawn
def plot_confusion(counts: Any, names: Sequence[str], *, path: str | os.PathLike[str], title: str = "") -> Path:
    """Draws how often examples of each class (a row) were taken for each class (a column).

    Args:
        counts: whole numbers of shape (classes, classes), as `zoo.evaluation.confusion` counts them.
        names: of the classes.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no square table, another number of names, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "confusion.png"
        >>> plot_confusion([[3, 1], [0, 4]], ["cat", "dog"], path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape != (len(names), len(names)):
        raise ValueError(f"Expected counts of shape ({len(names)}, {len(names)}); got {table.shape}.")
    side = min(max(2.5 + 0.45 * len(names), 5.0), 16.0)
    figure = new_figure(side, side, layout="constrained")
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.imshow(table / np.maximum(table.sum(axis=1, keepdims=True), 1), cmap=_shades(), vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), [_short(name) for name in names], rotation=45, ha="right")
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.set(xlabel="taken for", ylabel="is")
    figure.suptitle(title, fontsize=9.5)
    if len(names) <= _MOST_NUMBERS:
        shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
        for row, column in zip(*np.nonzero(table), strict=True):
            color = "white" if shares[row, column] > 0.5 else current().ink
            axes.text(column, row, str(table[row, column]), ha="center", va="center", color=color)
    return write(figure, path)


def _shades() -> Any:
    """From the ground of the page to blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", [current().ground, COLOURS[0]])


def _short(name: str) -> str:
    shown = words(name)
    return shown if len(shown) <= 20 else shown[:19] + "…"
