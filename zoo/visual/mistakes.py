"""What a classifier got most wrong."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.hub import Prediction
from zoo.visual._figure import check_picture
from zoo.visual.predictions import plot_predictions


def plot_mistakes(
    images: np.ndarray,
    predictions: Sequence[Sequence[Prediction]],
    truth: Sequence[Any],
    *,
    path: str | os.PathLike[str],
    count: int = 20,
    title: str | None = None,
) -> Path:
    """Draws the wrongly classified images, the surest wrong answer first.

    Args:
        images: shape `(N, H, W, C)` with 1 or 3 channels and pixels in 0..255.
        predictions: what `zoo.predict` returned for them.
        truth: the true labels, compared with the predicted ones as text.
        path: the PNG or SVG file to write; its folder must exist.
        count: how many of them at most.
        title: a line above; by default how many of all were wrong.

    Returns:
        The path.

    Raises:
        ValueError: no mistakes, lengths that do not match, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "mistakes.png"
        >>> one = [Prediction("7", 7, 0.9), Prediction("1", 1, 0.1)]
        >>> plot_mistakes(np.zeros((2, 28, 28, 1)), [one, one], ["7", "1"], path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    if not len(images) == len(predictions) == len(truth):
        raise ValueError(
            f"{len(images)} images, {len(predictions)} predictions, {len(truth)} true labels: not as many."
        )
    wrong = [index for index, row in enumerate(predictions) if row[0].label != str(truth[index])]
    if not wrong:
        raise ValueError(f"All {len(truth)} answers are right: there is no mistake to draw.")
    shown = sorted(wrong, key=lambda index: -predictions[index][0].probability)[:count]
    title = title or f"{len(wrong):,} of {len(truth):,} wrong; the surest {len(shown)} of them"
    chosen = np.asarray(images)[shown]
    return plot_predictions(
        chosen, [predictions[index] for index in shown], [truth[index] for index in shown], path=path, title=title
    )
