"""What training minimises and counts: cross-entropy and accuracy of classes, hard or mixed, weighted or not."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class CrossEntropy(keras.losses.Loss):
    """Cross-entropy of logits (..., classes) and labels: integers (...) or probabilities (..., classes).

    Sample weights, where there are any, are weights of a mean: the sum is divided by their sum, so that the loss of a
    graph is the mean over its labelled nodes.

    Args:
        smoothing: mass taken from the true class and spread evenly over all.

    Example:
        >>> import numpy as np
        >>> loss = CrossEntropy()(np.array([0, 1]), np.zeros((2, 4), "float32"))
        >>> round(float(loss), 4)  # log 4
        1.3863
    """

    def __init__(
        self,
        smoothing: float = 0.0,
        *,
        reduction: str = "mean_with_sample_weight",
        name: str = "cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Losses (...) of each label."""
        if _is_mixed(y_true, y_pred):
            return keras.losses.categorical_crossentropy(
                ops.cast(y_true, y_pred.dtype), y_pred, from_logits=True, label_smoothing=self.smoothing
            )
        classes = _classes(y_true, y_pred)
        if not self.smoothing:
            return keras.losses.sparse_categorical_crossentropy(classes, y_pred, from_logits=True)
        one_hot = ops.one_hot(classes, y_pred.shape[-1], dtype=y_pred.dtype)
        return keras.losses.categorical_crossentropy(one_hot, y_pred, from_logits=True, label_smoothing=self.smoothing)

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same loss again."""
        return super().get_config() | {"smoothing": self.smoothing}


def accuracy_metric() -> keras.metrics.Metric:
    """Accuracy of logits for the labels that `CrossEntropy` takes, called `accuracy`."""
    return keras.metrics.MeanMetricWrapper(_matches, name="accuracy")


@keras.saving.register_keras_serializable(package="zoo")
def _matches(y_true: Any, y_pred: Any) -> Any:
    best = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    mixed = _is_mixed(y_true, y_pred)
    wanted = ops.cast(ops.argmax(y_true, axis=-1), "int32") if mixed else _classes(y_true, y_pred)
    return ops.cast(ops.equal(wanted, best), keras.config.floatx())


def _is_mixed(labels: Any, logits: Any) -> bool:
    return len(labels.shape) == len(logits.shape) and labels.shape[-1] == logits.shape[-1] and logits.shape[-1] > 1


def _classes(labels: Any, logits: Any) -> Any:
    if len(labels.shape) == len(logits.shape):  # Keras may add an axis of size 1
        labels = ops.squeeze(labels, axis=-1)
    return ops.cast(labels, "int32")
