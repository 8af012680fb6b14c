"""Batch statistics for weights that no step has trained with, such as a moving average."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.training.optimizers import value_of

BATCHES = 16
"""Training batches that the statistics are measured on, or all of an epoch where it has fewer."""


class BatchStatistics:
    """Measures the statistics that a model's batch normalization uses in inference.

    While a model trains, its layers follow the statistics of the weights as they are. Those of averaged weights are
    others, and with the wrong ones an average of many unlike weights measures like a broken network. Here the model
    runs over training batches as it does in training (but changes no weight), and each layer gets the mean of its
    batches' means and the mean of their variances.

    Args:
        model: a functional model.
        compiled: whether XLA compiles the pass.
    """

    def __init__(self, model: keras.Model, *, compiled: bool) -> None:
        self._layers = [layer for layer in _keras.sublayers(model) if _has_statistics(layer)]
        self._statistics = [v for layer in self._layers for v in (layer.moving_mean, layer.moving_variance)]
        own = {id(variable) for variable in self._statistics}
        self._others = [variable for variable in model.non_trainable_variables if id(variable) not in own]
        self._pass = _TrainingPass(model)
        self._pass.compile(jit_compile=compiled)

    def measure(self, batches: keras.utils.PyDataset) -> None:
        """Puts the statistics of these batches' inputs into the layers; random states stay as they are."""
        if not self._layers:
            return
        kept = [value_of(variable) for variable in self._others]
        momentums = [layer.momentum for layer in self._layers]
        sums = [np.zeros(variable.shape) for variable in self._statistics]
        try:
            for layer in self._layers:
                layer.momentum = 0.0  # a batch's own statistics, and nothing of those before
            for index in range(len(batches)):
                self._pass.predict_on_batch(batches[index][0])
                for total, variable in zip(sums, self._statistics, strict=True):
                    total += value_of(variable)
        finally:
            for layer, momentum in zip(self._layers, momentums, strict=True):
                layer.momentum = momentum
        for total, variable in zip(sums, self._statistics, strict=True):
            variable.assign((total / len(batches)).astype("float32"))
        for variable, value in zip(self._others, kept, strict=True):
            variable.assign(value)


class _TrainingPass(keras.Model):
    """The forward pass of training, wherever it is called."""

    def __init__(self, model: keras.Model) -> None:
        super().__init__(name="training_pass")
        self.model = model

    def call(self, inputs: Any) -> Any:
        """What the model gives in training."""
        return self.model(inputs, training=True)


def _has_statistics(layer: keras.Layer) -> bool:
    return all(hasattr(layer, name) for name in ("moving_mean", "moving_variance", "momentum"))
