"""Layers that are linear in inference, as arrays: what folding multiplies together."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.compression.graph import has_other_weights
from zoo.compression.rebuilding import configuration
from zoo.layers.protocol import has_strengths, offers

_STOCK = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


@dataclass(frozen=True)
class Linear:
    """A stock layer to be made anew with these values.

    Attributes:
        make: the layer's class.
        config: its arguments but the name.
        kernel: its kernel, the output channels last (depthwise: channels and multiplier last).
        bias: one value an output channel.
        pad: zeros to put around the image first; two numbers where rows and columns differ.
    """

    make: type[keras.layers.Layer]
    config: dict[str, Any]
    kernel: np.ndarray
    bias: np.ndarray
    pad: int | tuple[int, int] = 0

    @property
    def takes_norm(self) -> bool:
        """A normalization behind the layer can be multiplied in."""
        return True

    def scaled(self, scale: np.ndarray, offset: np.ndarray) -> Linear:
        """The layer followed by `scale * y + offset` on every output channel."""
        channels = scale.reshape(self.kernel.shape[-2:]) if self.make is keras.layers.DepthwiseConv2D else scale
        return dataclasses.replace(self, kernel=self.kernel * channels, bias=self.bias * scale + offset)

    def layers(self, name: str) -> list[keras.layers.Layer]:
        """The new layers, without their values, in the order of their calls; the last one is called `name`."""
        dtype = self.config.get("dtype")
        margin = keras.layers.ZeroPadding2D(self.pad, data_format="channels_last", dtype=dtype, name=f"{name}_pad")
        return [margin] * bool(self.pad) + [self.make(**self.config, use_bias=True, name=name)]

    def connect(self, name: str, x: Any, values: dict[str, list[np.ndarray]]) -> Any:
        """Calls the new layers on `x`, and notes what the last one is to hold under its name."""
        values[name] = [self.kernel, self.bias]
        for layer in self.layers(name):
            x = layer(x)
        return x


def linear_of(layer: keras.layers.Layer) -> Linear | None:
    """A linear layer's arrays; None for any other layer.

    Known are Keras' convolutions and dense layer, and layers that offer `plain_convolution` or strengths: see
    `zoo.layers.protocol`.
    """
    if offers(layer, "plain_convolution"):
        return _offered(layer)
    if getattr(layer, "activation", None) is not _identity():
        return None
    if has_strengths(layer) and layer.data_format == "channels_last":
        return Linear(keras.layers.Conv2D, plain_config(layer), layer.plain_kernel(), _bias(layer.bias, layer.filters))
    if type(layer) not in _STOCK:  # a subclass may use its kernel otherwise
        return None
    if getattr(layer, "data_format", "channels_last") != "channels_last" or has_other_weights(layer):
        return None
    config = {key: value for key, value in configuration(layer).items() if key not in ("name", "use_bias")}
    kernel = _wide(layer.kernel)
    outputs = int(np.prod(kernel.shape[-2:])) if type(layer) is keras.layers.DepthwiseConv2D else kernel.shape[-1]
    return Linear(type(layer), config, kernel, _bias(layer.bias if layer.use_bias else None, outputs))


def plain_config(layer: Any) -> dict[str, Any]:
    """Arguments of the `Conv2D` that computes the same, but for its name and `use_bias`; a penalty stays one."""
    own = configuration(layer)
    kept = (*layer.plain_config(), "trainable", "kernel_regularizer", "kernel_constraint")
    return {key: own[key] for key in kept}


def _offered(layer: Any) -> Linear | None:
    """What a layer with `plain_convolution` says."""
    found = layer.plain_convolution()
    if found is None:
        return None
    kernel, bias, strides, pad = found
    config = {
        "filters": kernel.shape[-1],
        "kernel_size": kernel.shape[:2],
        "strides": strides,
        "data_format": "channels_last",
        "dtype": layer.dtype_policy,
        "trainable": layer.trainable,
    }
    return Linear(keras.layers.Conv2D, config, _wide(kernel), _bias(bias, kernel.shape[-1]), pad)


def affine_of(layer: keras.layers.Layer) -> tuple[np.ndarray, np.ndarray] | None:
    """Scale and offset a channel of a normalization in inference; None for any other layer.

    Known are Keras' `BatchNormalization` over the last axis, no subclass of it, and layers with a method `affine`.
    """
    if offers(layer, "affine"):
        return layer.affine()
    if type(layer) is not keras.layers.BatchNormalization:
        return None
    if layer.axis != -1 and layer.axis != len(layer.input.shape) - 1:
        return None
    scale = 1.0 / np.sqrt(_wide(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * _wide(layer.gamma)
    offset = -_wide(layer.moving_mean) * scale
    return scale, offset + _wide(layer.beta) if layer.center else offset


def _identity() -> Any:
    return keras.activations.linear


def _wide(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)


def _bias(value: Any, outputs: int) -> np.ndarray:
    return np.zeros(outputs) if value is None else _wide(value)
