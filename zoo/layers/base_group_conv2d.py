"""What the two group convolutions have in common: everything but the filter bank."""

from __future__ import annotations

from typing import Any

import keras
from keras import initializers, ops, regularizers

from zoo.layers import _common, _group
from zoo.math import get_group, output_size, symmetric_padding
from zoo.math.values import check_odd


class BaseGroupConv2D(keras.layers.Layer):
    """A convolution whose filters are the orbit of fewer, learned filters under a group.

    A subclass says how many values a learned filter has (`kernel_shape`, `fan_in`) and expands the learned filters to
    the bank of an ordinary convolution (`filter_bank`). Arguments are those of `GConv2D`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        group: str = "p4",
        strides: int = 1,
        padding: str = "same",
        use_bias: bool = False,
        kernel_initializer: Any = None,
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _common.check_positive(filters=filters, strides=strides)
        self.filters = filters
        self.kernel_size = check_odd(kernel_size)
        self.group = get_group(group)
        self.strides = strides
        self.padding = padding
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self._pad = symmetric_padding(kernel_size, padding)

    def kernel_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """Shape of the learned filters; the last two axes are input and output fields."""
        raise NotImplementedError

    def filter_bank(self) -> Any:
        """The filters of the ordinary convolution that this layer is, (k, k, input channels, filters * n)."""
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the learned filters for the number of input channels."""
        shape = self.kernel_shape(input_shape)
        _group.warn_if_inexact(self.name, input_shape, self.kernel_size, self.strides, self.padding)
        fan_in = 1
        for size in shape[:-1]:
            fan_in *= size
        self.kernel = self.add_weight(
            name="kernel",
            shape=shape,
            initializer=self.kernel_initializer or _group.he_normal(fan_in),
            regularizer=self.kernel_regularizer,
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros") if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        """Convolves (B, H, W, channels) to (B, H', W', filters * n)."""
        bank = self.filter_bank()
        if self.kernel_size == 1:
            outputs = _common.pointwise(inputs[:, :: self.strides, :: self.strides], bank[0, 0])
        else:
            margin = (self._pad, self._pad)
            padded = ops.pad(inputs, ((0, 0), margin, margin, (0, 0))) if self._pad else inputs
            outputs = ops.conv(padded, bank, strides=self.strides, padding="valid", data_format="channels_last")
        return outputs if self.bias is None else outputs + ops.repeat(self.bias, self.group.order)

    def plain_convolution(self) -> tuple[Any, Any, int, int]:
        """The ordinary convolution that this layer is: kernel, bias or None, stride, and zeros on each side."""
        bias = None if self.bias is None else ops.repeat(ops.convert_to_tensor(self.bias), self.group.order)
        return self.filter_bank(), bias, self.strides, self._pad

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        sizes = [output_size(size, self.kernel_size, self.strides, self.padding) for size in input_shape[1:3]]
        return (input_shape[0], *sizes, self.filters * self.group.order)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: those of the ordinary convolution that this layer is."""
        positions = 1
        for size in input_shape[1:3]:
            positions *= output_size(size, self.kernel_size, self.strides, self.padding) or 0
        return positions * input_shape[-1] * self.filters * self.group.order * self.kernel_size**2

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "group": self.group.name,
            "strides": self.strides,
            "padding": self.padding,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer) if self.kernel_initializer else None,
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer) if self.kernel_regularizer else None,
        }
