"""A picture of what a classifier made of some images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo._counting import percent
from zoo.hub import Prediction
from zoo.visual._figure import RIGHT, UNJUDGED, WRONG, check_picture, current, drawn, new_figure, words, write

MAX_IMAGES = 400
_BARS = 3
_CELL_WIDTH, _CELL_HEIGHT = 1.22, 1.95  # in units of an image's side


@drawn
def plot_predictions(
    images: np.ndarray,
    predictions: Sequence[Sequence[Prediction]],
    truth: Sequence[Any] | None = None,
    *,
    path: str | os.PathLike[str],
    title: str | None = None,
    columns: int = 10,
) -> Path:
    """Draws images with their predicted class, its probability and bars of the runners-up.

    With the truth given, right answers are green; wrong ones are orange, framed, and say what it is. The file appears
    whole or not at all.

    Args:
        images: shape `(N, H, W, C)` with 1 or 3 channels and pixels in 0..255; N at most 400.
        predictions: what `zoo.predict` returned for them.
        truth: the true labels, compared with the predicted ones as text.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above the images; by default the number of right answers when the truth is given.
        columns: how many images stand in a row.

    Returns:
        The path.

    Raises:
        ValueError: no or too many images, lengths that do not match, no column, or another ending than `.png` or
            `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> images = np.zeros((2, 28, 28, 1), "uint8")
        >>> seven = [Prediction("7", 7, 0.9), Prediction("1", 1, 0.1)]
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "picture.png"
        >>> plot_predictions(images, [seven, seven], ["7", "1"], path=path).stat().st_size > 1000
        True
    """
    target = Path(path)
    images = _checked(images, predictions, truth, target)
    right = None if truth is None else [str(t) == row[0].label for t, row in zip(truth, predictions, strict=True)]
    if title is None and right is not None:
        title = f"{sum(right)} of {len(right)} right"
    if columns < 1:
        raise ValueError(f"Expected columns of at least 1; got {columns}.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    figure, axes = _canvas(columns, rows, title)
    for number, (image, row) in enumerate(zip(images, predictions, strict=True)):
        left, top = (number % columns) * _CELL_WIDTH, (number // columns) * _CELL_HEIGHT
        good = None if right is None else right[number]
        _draw_image(axes, image, left, top, framed=good is False)
        _draw_answer(axes, row, left, top, truth=None if truth is None else str(truth[number]), right=good)
    return write(figure, target)


def _checked(
    images: np.ndarray, predictions: Sequence[Sequence[Prediction]], truth: Sequence[Any] | None, path: Path
) -> np.ndarray:
    check_picture(path)
    if images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ValueError(f"Expected images of shape (N, H, W, 1 or 3); got {images.shape}.")
    if not 1 <= len(images) <= MAX_IMAGES:
        raise ValueError(f"Expected 1 to {MAX_IMAGES} images in one picture; got {len(images)}.")
    if len(predictions) != len(images) or (truth is not None and len(truth) != len(images)):
        labels = "none" if truth is None else str(len(truth))
        raise ValueError(f"{len(images)} images, {len(predictions)} predictions, {labels} true labels: not as many.")
    return np.clip(images, 0, 255).astype(np.uint8)


def _canvas(columns: int, rows: int, title: str | None) -> tuple[Any, Any]:
    """A figure with axes that span it and run down like the images."""
    margin, head = 0.2, 0.55 if title else 0.2
    width, height = columns * _CELL_WIDTH + margin, rows * _CELL_HEIGHT + head
    figure = new_figure(width, height)  # one image is an inch wide
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(-margin / 2 - (_CELL_WIDTH - 1) / 2, width - margin / 2 - (_CELL_WIDTH - 1) / 2)
    axes.set_ylim(height - head, -head)
    if title:
        axes.text(0, -head / 2, title, fontsize=13, fontweight="bold", color=current().ink, va="center", ha="left")
    return figure, axes


def _draw_image(axes: Any, image: np.ndarray, left: float, top: float, *, framed: bool) -> None:
    from matplotlib.patches import Rectangle

    grey = image.shape[-1] == 1
    pixels = image[..., 0] if grey else image
    extent = (left, left + 1, top + 1, top)
    axes.imshow(pixels, cmap="gray" if grey else None, vmin=0, vmax=255, extent=extent, interpolation="nearest")
    if framed:
        axes.add_patch(Rectangle((left, top), 1, 1, fill=False, edgecolor=WRONG, linewidth=3))


def _draw_answer(
    axes: Any, row: Sequence[Prediction], left: float, top: float, *, truth: str | None, right: bool | None
) -> None:
    """The answer under the image, and a bar for each of the first classes."""
    from matplotlib.patches import Rectangle

    first = row[:_BARS]
    color = {True: RIGHT, False: WRONG, None: UNJUDGED}[right]
    wordy = max(len(label) for label in (truth or "", *(p.label for p in first))) > 2
    style = {"fontsize": 7.5 if wordy else 10, "fontweight": "bold", "color": color, "va": "center"}
    line = top + 1.13
    answer = _short(first[0].label, 9)
    if right is False and not wordy:
        answer += f", is {truth}"
    axes.text(left, line, answer, **style)
    axes.text(left + 1, line, percent(first[0].probability), fontsize=7, color=current().ink, va="center", ha="right")
    if right is False and wordy:
        line += 0.15
        axes.text(left, line, f"is {_short(truth or '', 14)}", **style)
    start = 0.5 if wordy else 0.12
    for rank, prediction in enumerate(first):
        middle = line + 0.18 + 0.14 * rank
        axes.text(left, middle, _short(prediction.label, 8), fontsize=6.5, color=current().ink, va="center")
        for share, shade in ((1.0, current().faint), (prediction.probability, color if rank == 0 else current().other)):
            bar = Rectangle((left + start, middle - 0.04), (1 - start) * share, 0.08, color=shade, linewidth=0)
            axes.add_patch(bar)


def _short(label: str, length: int) -> str:
    shown = words(label)
    return shown if len(shown) <= length else shown[: length - 1] + "…"
