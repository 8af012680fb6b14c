"""Numbers that some models' cards show besides the error, by name; a preset says which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from zoo.evaluation.focus import erased_accuracy, focus_area
from zoo.hub.tasks import answers

CLASSES = "image-classification"
Measure = Callable[[keras.Model, np.ndarray, np.ndarray, np.ndarray], Mapping[str, float]]
"""From model, images, labels and logits to numbers in percent by name."""


def _accuracy(model: Any, images: Any, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    return {"accuracy": 100.0 * float((answers(CLASSES, logits) == labels).mean())}


def _class_mean(model: Any, images: Any, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """The mean of the classes' accuracies: every class counts alike, however many images it has."""
    right = answers(CLASSES, logits) == labels
    return {"class_mean_accuracy": 100.0 * float(np.mean([right[labels == c].mean() for c in np.unique(labels)]))}


def _focus(model: Any, images: Any, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    """Focus areas of the predicted classes, and one of min-max maps, which mostly tells of their lowest values."""
    classes = logits.argmax(axis=1)
    found = focus_area(model, images, classes=classes).means()
    other = focus_area(model, images, classes=classes, thresholds=(), normalization="minmax").means()
    numbers = found | {"focus_area_minmax": other["focus_area"]}
    return {name: 100.0 * value for name, value in numbers.items()}


def _erased(model: Any, images: Any, labels: np.ndarray, logits: np.ndarray) -> dict[str, float]:
    return {"erased_accuracy": 100.0 * erased_accuracy(model, images, labels)}


MEASURES: dict[str, Measure] = {
    "accuracy": _accuracy,
    "class_mean_accuracy": _class_mean,
    "focus_area": _focus,
    "erased_accuracy": _erased,
}
"""What `zoo.evaluate` can measure of a classifier, by name.

`focus_area` gives several numbers: without a threshold, at each of `THRESHOLDS`, and of min-max maps.
"""


def measure(
    names: tuple[str, ...], model: keras.Model, images: np.ndarray, labels: np.ndarray, logits: np.ndarray
) -> dict[str, float]:
    """The numbers of several measures.

    Args:
        names: keys of `MEASURES`.
        model: a classifier.
        images: that it takes, (N, H, W, C).
        labels: integers (N,).
        logits: what it gives for them.

    Returns:
        Numbers in percent by name, in the order of `names`.

    Raises:
        ValueError: an unknown name, or several labels an image.

    Example:
        >>> logits = np.eye(2, dtype="float32")[[0, 1, 1]]
        >>> measure(("accuracy", "class_mean_accuracy"), None, None, np.array([0, 1, 1]), logits)
        {'accuracy': 100.0, 'class_mean_accuracy': 100.0}
    """
    if np.ndim(labels) != 1:
        raise ValueError(f"Measures are of images with one class each; got labels of shape {np.shape(labels)}.")
    if isinstance(names, str):
        raise ValueError(f"Expected measures as a list, as measures=[{names!r}]; got {names!r}.")
    unknown = sorted(set(names) - set(MEASURES))
    if unknown:
        raise ValueError(f"Unknown measure: {', '.join(unknown)}. Expected some of: {', '.join(MEASURES)}.")
    found: dict[str, float] = {}
    for name in names:
        found |= MEASURES[name](model, images, labels, logits)
    return found
