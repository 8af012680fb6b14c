"""How a loaded model is compiled."""

from __future__ import annotations

from typing import Any

import keras

from zoo import _keras
from zoo.hub import tasks
from zoo.hub.targets import ClassCrossentropy, LabelCrossentropy
from zoo.layers.protocol import offers


def compile_for_fine_tuning(model: keras.Model) -> None:
    """Compile a classifier with AdamW(1e-3), cross-entropy on logits and accuracy; XLA where it helps (`suits_xla`).

    A classifier of pixels is measured by its mean intersection over union, and pixels of label 255 do not count.
    """
    reduction = "mean_with_sample_weight"  # over what the weights choose: of a graph's nodes usually a few
    loss: Any = ClassCrossentropy(reduction=reduction)
    metric: Any = keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    task = tasks.task_of(model)
    if task.several_labels:
        loss = LabelCrossentropy(reduction=reduction)
        metric = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)  # of logits
    elif task.of == "pixel":
        loss = ClassCrossentropy(ignore_class=task.ignored_label)
        classes = model.output_shape[-1]
        metric = keras.metrics.MeanIoU(classes, ignore_class=task.ignored_label, sparse_y_pred=False, name="mean_iou")
    model.compile(
        optimizer=keras.optimizers.AdamW(1e-3),
        loss=loss,
        weighted_metrics=[metric],
        jit_compile=suits_xla(model) and not _is_distributed(model),
    )


def suits_xla(model: keras.Model) -> bool:
    """Whether a model's steps are best compiled by XLA: on JAX always, on TensorFlow with a GPU or TPU.

    On CPUs TensorFlow's own kernels run networks of convolutions faster than XLA's do and start without its half minute
    of compiling, so that Keras' `jit_compile="auto"` leaves it out, too. XLA takes seconds for the random numbers of a
    dropout over the wide features of a citation graph, and ten times as long for a depthwise convolution. A layer whose
    many small operations XLA makes one of says so, by `gains_from_xla` (`zoo.layers.protocol`): a model of such layers
    is compiled there, too.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.backend.backend() == "jax"
    if isinstance(getattr(model, "input", None), dict):
        return False
    accelerated = keras.distribution.list_devices("gpu") or keras.distribution.list_devices("tpu")
    return bool(accelerated) or any(_gains(layer) for layer in _keras.sublayers(model))


def run_directly(model: keras.Model) -> keras.Model:
    """Has a model that is called once, for a few inputs, compute one operation after the other on TensorFlow.

    That begins at once, where to trace the model, and XLA to compile it, takes seconds; a second call would be slower
    than a compiled one. JAX and torch stay as they are: JAX would compile each operation by itself.

    Args:
        model: changed; its answers are the same to round-off.

    Returns:
        The model.

    Example:
        >>> import numpy as np, zoo
        >>> model = zoo.hub.run_directly(zoo.load("e4net_tiny_mnistrot"))
        >>> len(zoo.predict(model, np.zeros((1, 28, 28, 1)), top=3)[0])
        3
    """
    if keras.backend.backend() == "tensorflow":
        model.run_eagerly = True
    return model


def _gains(layer: Any) -> bool:
    return offers(layer, "gains_from_xla") and bool(layer.gains_from_xla)


def _is_distributed(model: keras.Model) -> bool:
    """Whether a model was made in the scope of a `tf.distribute` strategy: no XLA program holds its variables."""
    strategy = type(getattr(model, "distribute_strategy", None)).__name__  # of Keras on TensorFlow
    return strategy not in ("NoneType", "_DefaultDistributionStrategy", "OneDeviceStrategy")
