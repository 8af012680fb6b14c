"""Batch normalization with one scale, offset, mean and variance a field, shared over the group."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.layers import _common
from zoo.layers._group import GroupLayer
from zoo.math.values import Tensor, check_number


@keras.saving.register_keras_serializable(package="zoo")
class GBatchNormalization(GroupLayer):
    """Batch normalization of feature maps on a group.

        out[b, x, c, g] = gamma[c] (in[b, x, c, g] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]

    In training, mean and (biased) variance are taken over (B, H, W, n) and the moving ones follow by
    `moving = momentum * moving + (1 - momentum) * batch`; in inference the moving ones are used. Statistics are kept in
    float32 under mixed precision. An ordinary `BatchNormalization` would treat the n orientations of a field
    differently and so break equivariance.

    Args:
        group: `"p4"` (n = 4) or `"p4m"` (n = 8).
        momentum: of the moving mean and variance.
        epsilon: added to the variance.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Where TensorFlow replicas train together, `zoo.train` sets the attribute `synchronized` for the time of the training
    step: mean and variance are then those of all replicas' equal shares.

    Input and output shape: (B, H, W, C * n), channel index = field * n + element.
    Weights: `gamma`, `beta`, `moving_mean`, `moving_variance`, each (C,); the last two are not trainable.

    Raises:
        ValueError: unknown group, momentum outside [0, 1], negative epsilon, channels that are no multiple of n.

    Example:
        >>> GBatchNormalization("p4")(keras.ops.ones((2, 8, 8, 64))).shape
        (2, 8, 8, 64)

    Source: Cohen and Welling, Group Equivariant Convolutional Networks, ICML 2016, section 6.4.
    """

    def __init__(self, group: str = "p4", *, momentum: float = 0.9, epsilon: float = 1e-5, **kwargs: Any) -> None:
        super().__init__(group, **kwargs)
        self.synchronized = False
        self.momentum = check_number("momentum", momentum, least=0, most=1)
        self.epsilon = check_number("epsilon", epsilon, least=0)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the four vectors of one value a field."""
        shape = (self.build_fields(input_shape),)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        statistic = {"shape": shape, "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(name="moving_mean", initializer="zeros", **statistic)
        self.moving_variance = self.add_weight(name="moving_variance", initializer="ones", **statistic)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Normalizes feature maps (B, H, W, C * n)."""
        wide = _common.widened(inputs)
        if training and self.trainable:
            mean, variance = self._moments(wide)
            if self.synchronized:
                mean, variance = self._join_replicas(mean, variance)
            self._follow(self.moving_mean, mean)
            self._follow(self.moving_variance, variance)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = ops.cast(self.gamma, wide.dtype) * ops.rsqrt(ops.cast(variance, wide.dtype) + self.epsilon)
        # Centred first: folding the mean into the offset loses digits where the mean is large.
        outputs = (wide - self._spread(mean, wide)) * self._spread(scale, wide) + self._spread(self.beta, wide)
        return ops.cast(outputs, inputs.dtype)

    def affine(self) -> tuple[np.ndarray, np.ndarray]:
        """Scale and offset a channel that the layer applies in inference."""
        values = (self.gamma, self.beta, self.moving_mean, self.moving_variance)
        gamma, beta, mean, variance = (np.asarray(ops.convert_to_numpy(value), np.float64) for value in values)
        scale = gamma / np.sqrt(variance + self.epsilon)
        order = self.group.order
        return np.repeat(scale, order), np.repeat(beta - mean * scale, order)

    def _spread(self, values: Tensor, like: Tensor) -> Tensor:
        """From one value a field to one a channel."""
        return ops.repeat(ops.cast(values, like.dtype), self.group.order)

    def _moments(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and biased variance of every field over (B, H, W, n), each (C,)."""
        order = self.group.order
        mean = ops.mean(ops.reshape(ops.mean(inputs, axis=(0, 1, 2)), (-1, order)), axis=1)
        squares = ops.mean(ops.square(inputs - self._spread(mean, inputs)), axis=(0, 1, 2))
        return mean, ops.mean(ops.reshape(squares, (-1, order)), axis=1)

    def _join_replicas(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of the union of equal shares, in two exchanges: squares of large means lose digits."""
        common = self._average(mean)
        return common, self._average(variance + ops.square(mean - common))

    def _average(self, values: Tensor) -> Tensor:
        return ops.moments(values[None], axes=[0], synchronized=True)[0]

    def _follow(self, moving: Tensor, value: Any) -> None:
        step = (1.0 - self.momentum) * (ops.cast(value, moving.dtype) - moving)
        moving.assign_add(step)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return input_shape

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """No multiply-accumulates."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "group": self.group.name,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
