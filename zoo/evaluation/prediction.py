"""From images to named classes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.evaluation.inputs import image_batch, model_shape


def predict(
    name_or_model: str | os.PathLike[str] | keras.Model, images: Any, *, top: int = 5, batch_size: int = 64
) -> list[list[hub.Prediction]]:
    """Classifies images.

    Args:
        name_or_model: a model from `zoo.load`, or a name as `zoo.load` takes it. Load the model once and pass it
            when you predict repeatedly.
        images: an array or tensor of shape `(N, H, W, C)` with raw pixels in 0..255, or a list of image files (PNG,
            JPEG, ...), which are converted and resized to the model's input.
        top: how many classes to give for each image.
        batch_size: images a step; bounds the memory needed.

    Returns:
        For each image its most probable classes, by falling probability.

    Raises:
        ValueError: unknown model, no images, a wrong shape, NaN or infinite pixels, a file that is no image.
        FileNotFoundError: an image file does not exist.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.load("e4net_mnistrot", weights=None)
        >>> predictions = zoo.predict(model, np.zeros((2, 28, 28, 1), "uint8"), top=3)
        >>> len(predictions), len(predictions[0])
        (2, 3)
    """
    model = resolve_model(name_or_model)
    batch = image_batch(images, model_shape(model))
    return hub.decode(model, logits_of(model, batch, batch_size), top=top)


def resolve_model(name_or_model: str | os.PathLike[str] | keras.Model) -> keras.Model:
    """The model itself, loaded when a name is given."""
    if isinstance(name_or_model, (str, os.PathLike)):
        return hub.load(name_or_model)
    if not isinstance(name_or_model, keras.Model):
        raise ValueError(f"Expected a model's name or a Keras model; got {type(name_or_model).__name__}.")
    return name_or_model


def logits_of(
    model: keras.Model, images: np.ndarray, batch_size: int, *, advance: Callable[[int], Any] | None = None
) -> np.ndarray:
    """The model's outputs for checked images, computed batch by batch in compiled steps of one shape.

    Args:
        model: takes `images` and returns logits.
        images: shape `(N, H, W, C)`, N at least 1.
        batch_size: images a step.
        advance: called after each step with the number of images done in it.

    Returns:
        float32 of shape `(N, classes)`.

    Raises:
        ValueError: `batch_size` is below 1.
    """
    if batch_size < 1:
        raise ValueError(f"Expected a batch size of at least 1; got {batch_size}.")
    parts = []
    size = min(batch_size, len(images))
    for start in range(0, len(images), size):
        part = images[start : start + size]
        missing = size - len(part)
        # A last batch of another length would be traced and compiled once more.
        full = np.pad(part, ((0, missing), (0, 0), (0, 0), (0, 0))) if missing else part
        logits = keras.ops.convert_to_numpy(model.predict_on_batch(full))
        parts.append(np.asarray(logits, np.float32)[: len(part)])
        if advance is not None:
            advance(len(part))
    return np.concatenate(parts)
