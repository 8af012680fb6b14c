"""Labels that cannot be meant: found before a weight is changed where their values are at hand, else never a number.

In a compiled step nothing can be refused, and the backends differ: of a label outside the classes TensorFlow makes NaN
weights, JAX a falling loss and torch an error of its own. So arrays are checked on their way in, and the losses of
zoo's own compilation give NaN for such a label, with no gradient; the next look at the loss is an error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.math.class_numbers import check_class_numbers

_FIT_CALLBACKS, _EVALUATE_CALLBACKS = 3, 4
"""Places of `callbacks` behind x and y in the signatures of Keras."""


def check_labels(
    labels: Any, classes: int, *, ignored: int | None = None, yes_or_no: bool = False, what: str = "labels"
) -> None:
    """Refuses labels that cannot be meant.

    Args:
        labels: an array, a list or a tensor.
        classes: the number of logits.
        ignored: a label that does not count, or None.
        yes_or_no: whether each logit has a label between 0 and 1 of its own; else labels are class numbers.
        what: what errors call the labels.

    Raises:
        ValueError: labels outside of the classes, fractions, NaN, text, or probabilities where numbers are expected.

    Example:
        >>> check_labels([0, 4], 5)
        >>> check_labels([1, 5], 5)
        Traceback (most recent call last):
            ...
        ValueError: label 5 is outside 0..4: the model has 5 classes, and 1 of 2 labels name none of them; ...
    """
    check_class_numbers(_array(labels), classes, ignored=ignored, yes_or_no=yes_or_no, what=what)


def _array(values: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(values) if keras.ops.is_tensor(values) else np.asarray(values)


@keras.saving.register_keras_serializable("zoo")
class ClassCrossentropy(keras.losses.SparseCategoricalCrossentropy):
    """Cross-entropy of logits and class numbers that is NaN, without a gradient, where a label names no class.

    Args:
        **kwargs: as of `keras.losses.SparseCategoricalCrossentropy`; `from_logits=True` is the default.

    Example:
        >>> loss = ClassCrossentropy(reduction="none")(np.array([0, 2]), np.zeros((2, 2), "float32"))
        >>> keras.ops.convert_to_numpy(loss).astype("float64").round(3).tolist()
        [0.693, nan]
    """

    def __init__(self, from_logits: bool = True, **kwargs: Any) -> None:
        super().__init__(from_logits=from_logits, **kwargs)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The reduced loss; labels of weight 0 may be anything."""
        return super().__call__(_counted(y_true, sample_weight), y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each label."""
        ops = keras.ops
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        known = ops.logical_and(y_true >= 0, y_true < y_pred.shape[-1])
        known = ops.logical_and(known, ops.equal(y_true, ops.floor(y_true)))
        if self.ignore_class is not None:
            known = ops.logical_or(known, ops.equal(y_true, self.ignore_class))
        losses = super().call(ops.where(known, y_true, ops.zeros_like(y_true)), y_pred)
        # Keras averages over the labels that are not ignored by a mask that lies beside the losses.
        return _keras.keep_mask(losses, ops.where(known, losses, ops.full_like(losses, math.nan)))


@keras.saving.register_keras_serializable("zoo")
class LabelCrossentropy(keras.losses.BinaryCrossentropy):
    """Cross-entropy of logits that are a yes or no each; NaN, without a gradient, where a label is outside of 0..1.

    Args:
        **kwargs: as of `keras.losses.BinaryCrossentropy`; `from_logits=True` is the default.

    Example:
        >>> loss = LabelCrossentropy(reduction="none")(np.array([[1.0], [2.0]]), np.zeros((2, 1), "float32"))
        >>> keras.ops.convert_to_numpy(loss).astype("float64").round(3).tolist()
        [0.693, nan]
    """

    def __init__(self, from_logits: bool = True, **kwargs: Any) -> None:
        super().__init__(from_logits=from_logits, **kwargs)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row."""
        ops = keras.ops
        known = ops.logical_and(y_true >= 0, y_true <= 1)
        losses = super().call(ops.where(known, y_true, ops.zeros_like(y_true)), y_pred)
        return ops.where(ops.all(known, axis=-1), losses, ops.full_like(losses, math.nan))


def _counted(labels: Any, weights: Any) -> Any:
    """The labels, 0 where their weight is 0: as of nodes outside of a split."""
    if weights is None:
        return labels
    ops = keras.ops
    labels, weights = ops.convert_to_tensor(labels), ops.convert_to_tensor(weights)
    if tuple(labels.shape) != tuple(weights.shape):
        return labels
    return ops.where(ops.equal(weights, 0), ops.zeros_like(labels), labels)


class CheckedLabels:
    """What zoo's models add to `fit`, `evaluate`, `train_on_batch` and `test_on_batch`: labels are looked at before.

    It goes by the loss that the model is compiled with: sparse cross-entropy wants class numbers, binary cross-entropy
    values from 0 to 1; of another loss nothing is known.
    """

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for labels that name no class, before a weight is changed."""
        _check(self, y, kwargs.get("sample_weight"))
        given = kwargs.get("validation_data")
        if isinstance(given, tuple | list) and len(given) > 1:
            _check(self, *given[1:3], what="validation labels")
        if len(args) <= _FIT_CALLBACKS:
            kwargs["callbacks"] = _guarded(self, kwargs.get("callbacks"))
        return super().fit(x, y, *args, **kwargs)  # type: ignore[misc]

    def evaluate(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for labels that name no class."""
        _check(self, y, kwargs.get("sample_weight"))
        if len(args) <= _EVALUATE_CALLBACKS:
            kwargs["callbacks"] = _guarded(self, kwargs.get("callbacks"))
        return super().evaluate(x, y, *args, **kwargs)  # type: ignore[misc]

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for labels that name no class, before a weight is changed."""
        _check(self, y, args[0] if args else kwargs.get("sample_weight"))
        return super().train_on_batch(x, y, *args, **kwargs)  # type: ignore[misc]

    def test_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """As of `keras.Model`; a `ValueError` for labels that name no class."""
        _check(self, y, args[0] if args else kwargs.get("sample_weight"))
        return super().test_on_batch(x, y, *args, **kwargs)  # type: ignore[misc]


def _check(model: Any, labels: Any, weights: Any = None, *, what: str = "labels") -> None:
    """Checks labels whose values are at hand against the model's loss."""
    if labels is None or isinstance(labels, Mapping) or not getattr(model, "compiled", False):
        return
    kind, shape = _kind_of_labels(model.loss), model.output_shape
    if kind is None or not isinstance(shape, tuple):
        return
    ignored = getattr(model.loss, "ignore_class", None)
    values = _array(labels)
    if kind == "numbers" and values.ndim == len(shape) and values.shape[-1] not in (1, shape[-1]):
        raise ValueError(
            f"Expected {what} as class numbers 0..{shape[-1] - 1}; got rows of {values.shape[-1]}, shape "
            f"{values.shape}: one-hot rows of another number of classes than the model's {shape[-1]}?"
        )
    if weights is not None and np.shape(weights) == values.shape:
        values = values[_array(weights) != 0]
    check_labels(values, shape[-1], ignored=ignored, yes_or_no=kind == "yes or no", what=what)


def _kind_of_labels(loss: Any) -> str | None:
    if isinstance(loss, keras.losses.SparseCategoricalCrossentropy) or loss == "sparse_categorical_crossentropy":
        return "numbers"
    if isinstance(loss, keras.losses.BinaryCrossentropy) or loss == "binary_crossentropy":
        return "yes or no"
    return None


def _guarded(model: Any, callbacks: Any) -> Any:
    """The caller's callbacks and one that looks at the loss, if it is one of those above."""
    loss = getattr(model, "loss", None) if getattr(model, "compiled", False) else None
    if not isinstance(loss, ClassCrossentropy | LabelCrossentropy):
        return callbacks
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    given = [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]
    return [*given, _LossGuard(_last_label(model))]


class _LossGuard(keras.callbacks.Callback):
    """Ends with an error once the loss is NaN.

    It looks after the first step, and then after each epoch: the loss that Keras shows is a mean in which NaN stays,
    and to look at it in each step would make fast devices wait. It knows the last label from the start: `self.model`
    brings the state of JAX home, and from the thread that `async_safe` gives a callback that would be a state which
    the next step has already consumed.

    Args:
        last_label: the largest label that names a class.
    """

    async_safe = True

    def __init__(self, last_label: int) -> None:
        super().__init__()
        self._last_label = last_label

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 0:
            self._look(logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._look(logs)

    def on_test_end(self, logs: Any = None) -> None:
        self._look(logs)

    def _look(self, logs: Any) -> None:
        for name in ("loss", "val_loss"):
            value = (logs or {}).get(name)
            if value is not None and math.isnan(float(keras.ops.convert_to_numpy(value))):
                raise ValueError(
                    f"the {name} is NaN: a label is outside of 0..{self._last_label} or no whole number, the "
                    "inputs or weights hold NaN, or the training has diverged (learning rate too high)"
                )


def _last_label(model: Any) -> int:
    return 1 if _kind_of_labels(model.loss) == "yes or no" else model.output_shape[-1] - 1
