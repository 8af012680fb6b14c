"""A layer of one's own that zoo folds and counts: it offers `plain_convolution` and `macs`."""

from __future__ import annotations

import math
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="zoo_plugin")
class GainConv2D(keras.layers.Layer):
    """A convolution whose filters have a learned gain: `y[i] = gain[i] (K[i] * x)`, without padding.

    Args:
        filters: output channels.
        kernel_size: side of the filters.
        **kwargs: those of a Keras layer.
    """

    def __init__(self, filters: int, kernel_size: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.filters, self.kernel_size = filters, kernel_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: channels})
        self.kernel = self.add_weight(
            name="kernel", shape=(self.kernel_size, self.kernel_size, channels, self.filters), initializer="he_normal"
        )
        self.gain = self.add_weight(name="gain", shape=(self.filters,), initializer="ones")
        self.built = True

    def call(self, inputs: Any) -> Any:
        return self.gain * keras.ops.conv(inputs, self.kernel, data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        sides = [None if side is None else side - self.kernel_size + 1 for side in input_shape[1:3]]
        return (input_shape[0], *sides, self.filters)

    def plain_convolution(self) -> tuple[Any, Any, int, int]:
        kernel, gain = (keras.ops.convert_to_numpy(weight) for weight in (self.kernel, self.gain))
        return kernel * gain, None, 1, 0

    def macs(self, input_shape: tuple[int, ...]) -> int:
        output = self.compute_output_shape(input_shape)
        return math.prod(output[1:]) * self.kernel_size**2 * input_shape[-1]

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"filters": self.filters, "kernel_size": self.kernel_size}
