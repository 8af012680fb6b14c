"""What Keras takes without a word and computes something else from: put right, or refused, on the way into a model.

Keras looks for the class of a sample in the last axis of its labels, and so weights a graph by the *place* of its
largest label; and weights of whole samples are added up before they are spread over the labels of nodes or pixels.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.hub.state import weights_sha256
from zoo.math import check_edges
from zoo.math.values import known

_SIGNATURES = {
    method: inspect.signature(getattr(keras.Model, method))
    for method in ("fit", "evaluate", "train_on_batch", "test_on_batch")
}
"""Keras' own, read once: what others put in the place of these methods later need not name its arguments."""


@dataclass(frozen=True)
class Fitted:
    """The last `fit` of a model, for the card that `zoo.save` writes.

    Attributes:
        examples: how many it saw in an epoch; None where the data does not say it.
        accuracy: on the validation data of `fit` after the last epoch, 0 to 1; None without such data, and where a
            callback puts other weights in place than those that were measured.
        weights: hash of those that it left; the accuracy is that of no others.
    """

    examples: int | None
    accuracy: float | None
    weights: str | None

    @classmethod
    def of(cls, model: Any, arguments: Mapping[str, Any], history: Any) -> Fitted:
        """What `fit` was given, and what it gave back."""
        x, callbacks = arguments.get("x"), arguments.get("callbacks")
        given = keras.tree.flatten(getattr(callbacks, "callbacks", callbacks))
        first = next(iter(x.values()), None) if isinstance(x, Mapping) else x
        shape = getattr(first, "shape", None)
        values = history.history.get("val_accuracy")
        averages = getattr(model.optimizer, "use_ema", False)  # which Keras puts into the weights at the end
        known = bool(values) and not averages and not any(map(_puts_weights, given))
        accuracy = float(values[-1]) if known else None
        return cls(int(shape[0]) if shape else None, accuracy, weights_sha256(model) if known else None)


def _puts_weights(callback: Any) -> bool:
    """Whether a callback of Keras may end a `fit` with other weights than the last epoch was measured with."""
    swaps = isinstance(callback, keras.callbacks.SwapEMAWeights)
    return swaps or bool(getattr(callback, "restore_best_weights", False))


class CheckedInputs:
    """What zoo's models add to the methods of `keras.Model`: checks of graphs, and weights of nodes and pixels."""

    _fitted: Fitted | None = None

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; `class_weight` and weights of whole samples hold for nodes and pixels, too."""
        arguments = _weighted(self, _arguments("fit", self, args, kwargs))
        given = arguments.get("validation_data")
        if isinstance(given, tuple | list) and len(given) in (2, 3):
            _check(self, given[0])
            weights = _spread(self, given[1], *given[2:])
            arguments["validation_data"] = given if weights is None else (*given[:2], weights)
        history = super().fit(**arguments)  # type: ignore[misc]
        self._fitted = Fitted.of(self, arguments, history)
        return history

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; weights of whole samples hold for nodes and pixels, too."""
        return super().evaluate(**_weighted(self, _arguments("evaluate", self, args, kwargs)))  # type: ignore[misc]

    def train_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """As `fit`, for one batch."""
        return super().train_on_batch(**_weighted(self, _arguments("train_on_batch", self, args, kwargs)))  # type: ignore[misc]

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """As `evaluate`, for one batch."""
        return super().test_on_batch(**_weighted(self, _arguments("test_on_batch", self, args, kwargs)))  # type: ignore[misc]

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for one input without a batch axis, and for edges that name no node."""
        _check(self, x)
        return super().predict(x, *args, **kwargs)  # type: ignore[misc]

    def predict_on_batch(self, x: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for one input without a batch axis, and for edges that name no node."""
        _check(self, x)
        return super().predict_on_batch(x)  # type: ignore[misc]


def _arguments(method: str, model: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """The arguments of a call by name, checked."""
    bound = dict(_SIGNATURES[method].bind(model, *args, **kwargs).arguments)
    del bound["self"]
    bound |= bound.pop("kwargs", {})
    _check(model, bound.get("x"))
    return bound


def _check(model: Any, x: Any) -> None:
    """Refuses an input without a batch axis, other names than the model's, and edges that name no node."""
    wanted = getattr(model, "input", None)
    shape: Any = getattr(wanted, "shape", None)
    if shape is not None and _is_single(getattr(x, "shape", None), tuple(shape)):
        raise ValueError(
            f"{model.name!r} takes batches of shape {tuple(shape)}; got {tuple(x.shape)}, which is one input: pass "
            "x[None]."
        )
    if not isinstance(x, Mapping) or not isinstance(wanted, Mapping):
        return
    if set(x) != set(wanted):
        way = " Build it with edge_weight=True." if set(x) - set(wanted) == {"edge_weight"} else ""
        raise ValueError(f"{model.name!r} takes the inputs {sorted(wanted)}; got {sorted(x)}.{way}")
    if {"x", "edges"} <= set(x) and hasattr(x["edges"], "shape") and len(getattr(x["x"], "shape", ())) == 3:
        edges = known(x["edges"])
        if edges is not None:
            check_edges(edges, x["x"].shape[1])


def _is_single(shape: Any, wanted: tuple[int | None, ...]) -> bool:
    """Whether an array is one input without its batch axis, of which Keras' error says something else.

    Where sides are open and there is one channel, the same array may be many narrow pictures.
    """
    sides = wanted[1:]
    if shape is None or len(shape) != len(sides) or len(sides) < 2 or (None in sides and sides[-1] == 1):
        return False
    return all(side in (None, size) for size, side in zip(shape, sides, strict=True))


def _weighted(model: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments with one weight for each label, if there are weights of samples or classes."""
    classes, samples = arguments.get("class_weight"), arguments.get("sample_weight")
    weights = _spread(model, arguments.get("y"), samples, classes)
    if weights is not None:
        arguments |= {"sample_weight": weights}
        arguments.pop("class_weight", None)
    return arguments


def _spread(model: Any, labels: Any, samples: Any = None, classes: Any = None) -> np.ndarray | None:
    """One weight for each node or pixel; None where Keras does what is meant, or where nothing is weighted.

    Raises:
        ValueError: weights of classes without labels at hand or for several labels a node, or weights of samples of a
            shape that does not fit.
    """
    shape = getattr(model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) < 3 or (samples is None and not classes):
        return None
    values = None if labels is None else known(labels)
    if values is None or values.dtype.kind not in "biuf" or values.ndim < len(shape) - 1:
        if classes:
            raise ValueError(
                f"Expected labels as an array beside class_weight, for {model.name!r} has one for each node or pixel; "
                "with a data set give each label's weight as sample_weight."
            )
        return None
    places = values.shape[: len(shape) - 1]
    weights = np.ones(places, "float32") if samples is None else np.asarray(known(samples), "float32")
    if weights.shape != places:
        if weights.shape != places[: weights.ndim]:
            raise ValueError(
                f"Expected sample_weight of shape {places[:1]} or {places}, for labels of {values.shape}; got "
                f"{weights.shape}."
            )
        weights = np.broadcast_to(weights.reshape(*weights.shape, *[1] * (len(places) - weights.ndim)), places)
    return weights * _of_classes(model, values, classes) if classes else weights


def _of_classes(model: Any, labels: np.ndarray, classes: Mapping[int, float]) -> np.ndarray:
    """The weight of each label's class, 1 where none is given."""
    shape = model.output_shape
    if labels.ndim == len(shape) and labels.shape[-1] == 1:
        labels = labels[..., 0]
    elif labels.ndim == len(shape):
        if (labels.sum(axis=-1) != 1).any():
            raise ValueError("Expected one class for each node or pixel beside class_weight; got labels with several.")
        labels = labels.argmax(axis=-1)
    weights = np.ones(labels.shape, "float32")
    for number, weight in classes.items():
        weights[labels == number] = weight
    return weights
