"""From logits to named classes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo._counting import percent
from zoo._suggestions import suggests
from zoo.hub.origin import origin_of
from zoo.hub.source import card
from zoo.hub.tasks import probabilities, task_of
from zoo.math.values import check_whole


@dataclass(frozen=True)
class Prediction:
    """One class that a model considers: its name, its place in the logits, and its probability."""

    label: str
    index: int
    probability: float

    @property
    def percent(self) -> str:
        """The probability to a tenth of a percent, and `> 99.9 %` where that would say 100."""
        return percent(self.probability)


@suggests
def decode(name_or_model: str | os.PathLike[str] | keras.Model, logits: Any, top: int = 5) -> list[list[Prediction]]:
    """The most probable classes of each image.

    What a probability is, the model's task says (`zoo.hub.tasks`): a softmax over classes of which one is true, a
    sigmoid of each logit where several labels may be true at once, and a sigmoid of the single logit of a yes or no.

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
        raise ValueError(f"Expected logits of shape (batch, {len(labels)}); got {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError("the logits hold NaN or infinite values: check the images and the weights")
    check_whole("top", top)
    shares = probabilities(task_of(name_or_model), values)
    if values.ndim == 4:
        shares = shares.mean(axis=(1, 2))
    order = np.argsort(-shares, axis=1, kind="stable")[:, :top]
    return [
        [Prediction(labels[index], int(index), float(row[index])) for index in best]
        for row, best in zip(shares, order, strict=True)
    ]


def _labels(name_or_model: str | os.PathLike[str] | keras.Model) -> tuple[str, ...]:
    if isinstance(name_or_model, str | os.PathLike):
        return card(name_or_model).labels
    return origin_of(name_or_model).labels
