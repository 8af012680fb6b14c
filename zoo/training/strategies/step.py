"""The training step of several TensorFlow replicas: compiled by XLA, with batch statistics over all of them."""

from __future__ import annotations

from typing import Any

import keras

from zoo import _keras
from zoo.training.strategies.layer_modes import LayerModes


class ReplicatedStep(keras.Model):
    """A functional model whose training step is one replica's part of a `tf.distribute` step.

    XLA takes no variables of another device and no communication, so Keras' own `jit_compile=True`, which compiles the
    whole step, fails under these strategies. Here XLA compiles what lies between the communications: forward and
    backward pass as one program, the optimizer outside. Layers with batch statistics (those with an attribute
    `synchronized`, as Keras' and zoo's batch normalization) communicate in the middle of the forward pass, so that
    all replicas together compute what one device would; in a model that has them every other layer is a program of
    its own, forward and backward.

    Args:
        arguments: inputs and outputs of a functional model.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._layer_modes = LayerModes(self)
        self._traced: dict[str, Any] = {}

    def compile(self, *arguments: Any, **keywords: Any) -> None:
        """As `keras.Model.compile`; `jit_compile=True` is about the programs inside the step."""
        super().compile(*arguments, **keywords)
        self._traced.clear()
        self._layer_modes.jit = self.jit_compile
        outer: Any = self.optimizer
        for optimizer in (outer, getattr(outer, "inner_optimizer", outer)):
            # The step below adds the gradients of all replicas up, before the optimizer clips them or looks for
            # infinite ones: so it decides as it would on one device, and in every replica the same.
            _keras.leave_gradients(optimizer)

    def train_step(self, data: Any) -> dict[str, Any]:
        """One replica's forward and backward pass, the common update, and the metrics."""
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        loss, outputs, gradients = self._make_pass()(x, y, weights)
        # Keras divides a replica's loss by the number of replicas, so that the gradients' sum is the mean's gradient.
        rows = keras.ops.shape(keras.tree.flatten(x)[0])[0]
        self._loss_metric.update_state(loss * _count_replicas(), sample_weight=rows)
        self.optimizer.apply_gradients(zip(_sum(gradients), self.trainable_variables, strict=True))
        return self.compute_metrics(x, y, outputs, sample_weight=weights)

    @property
    def _loss_metric(self) -> keras.Metric:
        return next(metric for metric in self.metrics if metric.name == "loss")

    def _make_pass(self) -> Any:
        """The forward and backward pass, as one XLA program where nothing in it communicates."""
        if not self.jit_compile or self._layer_modes.synchronized:
            return self._forward_backward
        if "pass" not in self._traced:
            import tensorflow as tf

            self._traced["pass"] = tf.function(self._forward_backward, jit_compile=True)
        return self._traced["pass"]

    def _forward_backward(self, x: Any, y: Any, weights: Any) -> tuple[Any, Any, list[Any]]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            with self._layer_modes.training():
                outputs = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weights, training=True)
            scaled = self.optimizer.scale_loss(loss)
        return loss, outputs, tape.gradient(scaled, [variable.value for variable in self.trainable_variables])


def _sum(gradients: list[Any]) -> list[Any]:
    """The gradients of all replicas added up; None where a variable has none."""
    import tensorflow as tf

    known = [gradient for gradient in gradients if gradient is not None]
    summed = iter(tf.distribute.get_replica_context().all_reduce("SUM", known))
    return [None if gradient is None else next(summed) for gradient in gradients]


def _count_replicas() -> int:
    import tensorflow as tf

    return tf.distribute.get_strategy().num_replicas_in_sync
