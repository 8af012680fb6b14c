"""An image turned once around, and what networks make of it on the way."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

from zoo.visual._figure import COLOURS, check_picture, current, drawn, new_figure, words, write

_SHOWN = 9
"""Pictures above the curves: every eighth of a turn, and the first again."""


def turned(image: np.ndarray, steps: int = 72) -> np.ndarray:
    """An image turned counter-clockwise in equal steps, once around.

    Quarter turns move pixels and change none; between them colours are mixed bilinearly. What comes in at the corners
    has the median colour of the outermost pixels.

    Args:
        image: (side, side, 1 or 3), pixels in 0..255.
        steps: how many images.

    Returns:
        uint8 of shape (steps, side, side, channels); the first is the image itself.

    Raises:
        ValueError: another shape, or no step.

    Example:
        >>> image = np.arange(16, dtype="uint8").reshape(4, 4, 1)
        >>> np.array_equal(turned(image, 4)[1], np.rot90(image))
        True
    """
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[-1] not in (1, 3) or image.shape[0] != image.shape[1] or steps < 1:
        raise ValueError(f"Expected a square image (side, side, 1 or 3) and steps of at least 1; got {image.shape}.")
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = tuple(int(value) for value in np.median(border, axis=0))
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
    fill: Any = ground[0] if pixels.shape[-1] == 1 else ground
    angles = [360.0 * step / steps for step in range(steps)]
    made = [picture.rotate(angle, Image.Resampling.BILINEAR, fillcolor=fill) for angle in angles]
    return np.stack([np.asarray(one).reshape(pixels.shape) for one in made])


@drawn
def plot_turning(
    image: np.ndarray,
    models: Mapping[str, keras.Model],
    *,
    path: str | os.PathLike[str],
    steps: int = 72,
    title: str | None = None,
) -> Path:
    """Draws an image turned through 360 degrees, above the logits of each network for all positions.

    The answer for the upright image is one thick line. Where another class wins, the ground is shaded, and that
    class has a dashed line with its name.

    Args:
        image: raw, (side, side, 1 or 3).
        models: classifiers for it, by a name for the picture.
        path: the PNG or SVG file to write; its folder must exist.
        steps: positions; multiples of 4 have the quarter turns among them.
        title: a line above.

    Returns:
        The path.

    Raises:
        ValueError: no model, an image that is not square, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile, zoo
        >>> path = Path(tempfile.mkdtemp()) / "turning.png"
        >>> model = zoo.build("e4net_mnistrot")
        >>> plot_turning(np.zeros((28, 28, 1)), {"untrained": model}, path=path, steps=4).stat().st_size > 1000
        True
    """
    check_picture(path)
    if not models:
        raise ValueError("Expected one or more models by a name; got none.")
    images = turned(image, steps)
    figure = new_figure(6.6, 1.3 + 2.2 * len(models), "constrained")
    figure.suptitle(title or "")
    grid = figure.add_gridspec(1 + len(models), 1, height_ratios=[1.0] + [2.6] * len(models))
    _draw_images(figure.add_subplot(grid[0]), image)
    angles = np.arange(steps + 1) * 360.0 / steps
    for row, (name, model) in enumerate(models.items(), start=1):
        logits = np.asarray(keras.ops.convert_to_numpy(model.predict(images, verbose=0)), "float64")
        axes = figure.add_subplot(grid[row])
        _draw_logits(axes, angles, np.concatenate([logits, logits[:1]]), getattr(model, "labels", None), name)
        if row == len(models):
            axes.set_xlabel("turned by, degrees")
    return write(figure, path)


def _draw_images(axes: Any, image: np.ndarray) -> None:
    shown = turned(image, _SHOWN - 1)
    for place in range(_SHOWN):
        left = place - 0.36
        pixels = shown[place % (_SHOWN - 1)]
        grey = {"cmap": "gray", "vmin": 0, "vmax": 255} if pixels.shape[-1] == 1 else {}
        axes.imshow(pixels.squeeze(), extent=(left, left + 0.72, 0, 0.72), interpolation="nearest", **grey)
    axes.set(xlim=(-0.36, _SHOWN - 1 + 0.36), ylim=(0, 0.72), aspect="equal")
    axes.set_axis_off()


def _draw_logits(axes: Any, angles: np.ndarray, logits: np.ndarray, labels: Any, name: str) -> None:
    answers = logits.argmax(axis=-1)
    first = answers[0]
    others = [number for number in dict.fromkeys(answers.tolist()) if number != first]
    known = [words(label) for label in labels] if labels else [str(number) for number in range(logits.shape[-1])]
    for number in range(logits.shape[-1]):
        if number != first and number not in others:
            axes.plot(angles, logits[:, number], color=current().faint, linewidth=1)
    half = 180.0 / (len(angles) - 1)
    for place in np.flatnonzero(answers != first):
        axes.axvspan(angles[place] - half, angles[place] + half, color=COLOURS[1], alpha=0.15, linewidth=0)
    for rank, number in enumerate(others):
        color = COLOURS[1 + rank % (len(COLOURS) - 1)]
        axes.plot(angles, logits[:, number], color=color, linestyle="--", label=known[number])
    axes.plot(angles, logits[:, first], color=COLOURS[0], linewidth=2.6, label=known[first])
    same = int((answers[:-1] == first).sum())
    axes.set_title(f"{name}: {same} of {len(angles) - 1} positions get the same answer")
    axes.set(xlim=(-half - 12, 372 + half), xticks=range(0, 361, 45), ylabel="logit")
    axes.grid(axis="x")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
