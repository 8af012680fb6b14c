"""What a model looked at: occlusion sensitivity, for any runner that takes images."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from zoo.hub.tasks import probabilities
from zoo.serving import pictures
from zoo.serving.errors import RequestError
from zoo.serving.runners import Runner

GRID = 12  # patches along each side
PATCH = 0.25  # side of a patch, as a part of the image's
_BATCH = 36  # covered images a run; bounds the memory
_SHOWN = 336  # longest side of the pictures, in pixels
_STRONGEST = 0.7  # share of the colour where the drop is largest
_COLOURS = np.array([[255, 236, 140], [255, 150, 50], [214, 32, 60]], np.float64)  # from little to much


def explain(runner: Runner, image_bytes: bytes, *, top: int = 5) -> dict[str, Any]:
    r"""Classifies an image and shows which parts of it the answer depends on.

    A square patch of the image's mean colour slides over the image. Where the probability of the predicted class
    falls, the model had looked (occlusion sensitivity: Zeiler and Fergus, Visualizing and Understanding Convolutional
    Networks, ECCV 2014). For the image `x`, its mean colour `m`, the mask `M_ij` that is 1 inside the patch at
    position `(i, j)` and 0 elsewhere, and the predicted class `c = argmax_k p_k(x)`, the map is

        d_ij = p_c(x) - p_c((1 - M_ij) x + M_ij m).

    The 12 x 12 patches have a quarter of the image's height and width; at the border they are cut off.

    Args:
        runner: takes images and gives `probabilities`, or else `logits` and says its task.
        image_bytes: the content of an image file (PNG, JPEG, ...).
        top: how many classes to give.

    Returns:
        `top`: a list of `label`, `index` and `probability`, by falling probability; `drops`: the map as 12 lists of
        12 numbers, between -1 and 1; `largest_drop`: its largest number, or 0 if all are negative; `seen` and
        `overlay`: the image as the model gets it, without and with colour over it, as PNG files in base64. The
        colour of a pixel is the mean drop, 0 for negative ones, of the patches over it, relative to the largest such
        mean.

    Raises:
        ValueError: no image, one with too many pixels, or a model that takes no images or returns no classes.

    Example:
        >>> from zoo.serving import open_runner
        >>> runner = open_runner("exported/e4net_mnistrot/1")  # doctest: +SKIP
        >>> explain(runner, open("digit.png", "rb").read())["top"][0]["label"]  # doctest: +SKIP
        '5'
    """
    if top < 1:
        raise ValueError(f"Expected top of at least 1; got {top}.")
    if pictures.image_shape(runner) is None:
        raise ValueError("This model takes no images, so there is nothing to look at.")
    try:
        pictures.check_sizes([image_bytes])
        ((name, batch),) = pictures.decode(runner, [image_bytes]).items()
    except RequestError as error:
        raise ValueError(error.message.replace("Image 0", "The image").replace("image 0", "The image")) from error
    (image,) = batch
    (before,) = _probabilities(runner, name, batch)
    best = int(before.argmax())
    covered = [_probabilities(runner, name, part)[:, best] for part in _covered(image)]
    drops = (before[best] - np.concatenate(covered)).reshape(GRID, GRID)
    return {
        "top": _top(before, runner.labels, top),
        "drops": drops.round(6).tolist(),
        "largest_drop": max(0.0, float(drops.max())),
        "seen": _png(_shown(image)),
        "overlay": _png(_overlay(image, drops)),
    }


def _covered(image: np.ndarray) -> Iterator[np.ndarray]:
    """The image with the patch at every position, row by row, in batches of `_BATCH`."""
    height, width, _ = image.shape
    mean = image.mean(axis=(0, 1)).astype(image.dtype)
    windows = [(rows, columns) for rows in _spans(height) for columns in _spans(width)]
    for start in range(0, len(windows), _BATCH):
        part = windows[start : start + _BATCH]
        batch = np.repeat(image[None], len(part), axis=0)
        for one, (rows, columns) in zip(batch, part, strict=True):
            one[rows, columns] = mean
        yield batch


def _spans(side: int) -> list[slice]:
    """Where the patches lie along one side: centred in `GRID` equal parts of it, at least one pixel wide."""
    length = max(1, round(PATCH * side))
    starts = [round((cell + 0.5) * side / GRID - length / 2) for cell in range(GRID)]
    return [slice(min(max(0, start), side - 1), max(1, start + length)) for start in starts]


def _probabilities(runner: Runner, name: str, batch: np.ndarray) -> np.ndarray:
    outputs = runner.run({name: batch})
    values = np.asarray(outputs.get("probabilities", outputs.get("logits")), np.float64)
    if values.ndim != 2 or len(values) != len(batch):
        raise ValueError(f"Expected outputs `probabilities` or `logits` of a classifier; got {', '.join(outputs)}.")
    if not np.isfinite(values).all():
        raise ValueError("The model's answer holds NaN or infinite values.")
    if "probabilities" in outputs:
        return values
    if not runner.facts.task:
        raise ValueError("The model gives `logits` and does not say what they mean: give it an output `probabilities`.")
    return probabilities(runner.facts.task, values)


def _top(probabilities: np.ndarray, labels: tuple[str, ...], top: int) -> list[dict[str, Any]]:
    order = np.argsort(-probabilities, kind="stable")[:top]
    named = labels if len(labels) == len(probabilities) else [str(index) for index in range(len(probabilities))]
    return [{"label": named[i], "index": int(i), "probability": float(probabilities[i])} for i in order]


def _shown(image: np.ndarray) -> Image.Image:
    """The model's input, enlarged with its pixels visible or reduced to the size of the page."""
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    scale = _SHOWN / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BILINEAR)


def _overlay(image: np.ndarray, drops: np.ndarray) -> Image.Image:
    """The input in grey under colour: the more the patches over a pixel lowered the answer, the stronger and redder."""
    picture = np.asarray(_shown(image).convert("L").convert("RGB"), np.float64)
    strength = _pixel_means(image.shape[0], image.shape[1], np.clip(drops, 0, None))
    strength = strength / max(strength.max(), 1e-12)
    grid = Image.fromarray(strength.astype(np.float32))
    smooth = np.asarray(grid.resize((picture.shape[1], picture.shape[0]), Image.Resampling.BILINEAR), np.float64)
    places = np.linspace(0, 1, len(_COLOURS))
    colours = np.stack([np.interp(smooth, places, _COLOURS[:, channel]) for channel in range(3)], axis=-1)
    share = _STRONGEST * smooth[..., None]
    return Image.fromarray(((1 - share) * picture + share * colours).round().astype(np.uint8))


def _pixel_means(height: int, width: int, drops: np.ndarray) -> np.ndarray:
    """For each pixel the mean drop of the patches that covered it."""
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for rows, line in zip(_spans(height), drops, strict=True):
        for columns, drop in zip(_spans(width), line, strict=True):
            total[rows, columns] += drop
            count[rows, columns] += 1
    return total / count


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")
