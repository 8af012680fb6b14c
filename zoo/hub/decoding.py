"""From logits to named classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.hub.origin import origin_of
from zoo.hub.registry import SEVERAL_LABELS, find_preset
from zoo.hub.source import card


@dataclass(frozen=True)
class Prediction:
    """One class that a model considers: its name, its place in the logits, and its probability."""

    label: str
    index: int
    probability: float


def decode(name_or_model: str | os.PathLike[str] | keras.Model, logits: Any, top: int = 5) -> list[list[Prediction]]:
    """The most probable classes of each image.

    Args:
        name_or_model: a model from `zoo.load` or `zoo.build`, or a name as `zoo.load` takes it.
        logits: what the model returned, shape `(batch, classes)`, an array or a tensor; of a graph's nodes also
            `(graphs, nodes, classes)`, which are read one after the other; of an image's pixels
            `(batch, height, width, classes)`, whose probabilities are averaged over the image: an estimate of the
            share of the picture that each class fills.
        top: how many classes to give; all of them when the model has fewer.

    Returns:
        For each image its classes by falling probability.

    Raises:
        ValueError: logits of a wrong shape, NaN or infinite ones, or `top` below 1.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.build("e4net_mnistrot")
        >>> zoo.decode(model, 9.0 * np.eye(10)[:1], top=1)[0][0].label
        '0'
    """
    labels = _labels(name_or_model)
    values = np.asarray(keras.ops.convert_to_numpy(logits), dtype="float64")
    if values.ndim == 3:
        values = values.reshape(-1, values.shape[-1])
    if values.ndim not in (2, 4) or values.shape[-1] != len(labels):
        raise ValueError(f"expected logits of shape (batch, {len(labels)}), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("the logits hold NaN or infinite values: check the images and the weights")
    if top < 1:
        raise ValueError(f"expected top of at least 1, got {top}")
    probabilities = _sigmoid(values) if _task(name_or_model) in SEVERAL_LABELS else _softmax(values)
    if values.ndim == 4:
        probabilities = probabilities.mean(axis=(1, 2))
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        [Prediction(labels[index], int(index), float(row[index])) for index in best]
        for row, best in zip(probabilities, order, strict=True)
    ]


def _softmax(values: np.ndarray) -> np.ndarray:
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * values))  # never overflows


def _task(name_or_model: str | os.PathLike[str] | keras.Model) -> str | None:
    if isinstance(name_or_model, str | os.PathLike):
        return card(name_or_model).task
    preset = origin_of(name_or_model).preset
    return None if preset is None else find_preset(preset).task


def _labels(name_or_model: str | os.PathLike[str] | keras.Model) -> tuple[str, ...]:
    if isinstance(name_or_model, str | os.PathLike):
        return card(name_or_model).labels
    return origin_of(name_or_model).labels
