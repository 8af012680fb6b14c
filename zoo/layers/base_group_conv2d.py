"""What the two group convolutions have in common: everything but the filter bank."""

from __future__ import annotations

from typing import Any

from keras import activations, ops

from zoo.layers import _common, _group, _weights
from zoo.layers._group import Grid, GroupLayer
from zoo.math import output_size, symmetric_padding
from zoo.math.values import Tensor, check_odd, check_square, check_whole


class BaseGroupConv2D(GroupLayer):
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
        dilation_rate: int = 1,
        activation: Any = None,
        use_bias: bool = False,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group, **kwargs)
        self.filters = check_whole("filters", filters)
        self.kernel_size = check_odd(kernel_size)
        self.strides = check_square("strides", strides)
        self.dilation_rate = check_square("dilation_rate", dilation_rate)
        if self.strides > 1 and self.dilation_rate > 1:
            raise ValueError(
                f"Expected `strides` or `dilation_rate` to be 1; got strides={strides}, dilation_rate={dilation_rate}."
            )
        self.padding = padding
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        _weights.keep(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        _weights.keep(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._side = self.dilation_rate * (self.kernel_size - 1) + 1  # of the window, with the pixels between taps
        self._pad = symmetric_padding(self._side, padding)
        self._grid = Grid(self.name, self._side, self.strides, padding)

    def kernel_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """Shape of the learned filters; the last two axes are input and output fields."""
        raise NotImplementedError

    def filter_bank(self) -> Tensor:
        """The filters of the ordinary convolution that this layer is, (k, k, input channels, filters * n)."""
        raise NotImplementedError

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the learned filters for the number of input channels."""
        shape = self.kernel_shape(input_shape)
        self.fix_channels(_common.channels_of(self.name, input_shape))
        self._grid.check(input_shape)
        fan_in = 1
        for size in shape[:-1]:
            fan_in *= size
        kernel, bias = _weights.options(self, "kernel"), _weights.options(self, "bias")
        kernel["initializer"] = self.kernel_initializer or _group.he_normal(fan_in)
        self.kernel = self.add_weight(name="kernel", shape=shape, **kernel)
        self.bias = self.add_weight(name="bias", shape=(self.filters,), **bias) if self.use_bias else None

    def call(self, inputs: Tensor) -> Tensor:
        """Convolves (B, H, W, channels) to (B, H', W', filters * n)."""
        self._grid.check(inputs.shape)
        bank = self.filter_bank()
        if self.kernel_size == 1:
            outputs = _common.pointwise(inputs[:, :: self.strides, :: self.strides], bank[0, 0])
        else:
            margin = (self._pad, self._pad)
            padded = ops.pad(inputs, ((0, 0), margin, margin, (0, 0))) if self._pad else inputs
            steps = {"strides": self.strides, "dilation_rate": self.dilation_rate}
            outputs = ops.conv(padded, bank, padding="valid", data_format="channels_last", **steps)
        if self.bias is not None:
            outputs = _common.with_bias(outputs, ops.repeat(self.bias, self.group.order))
        return outputs if _weights.is_linear(self) else self.activation(outputs)

    def plain_convolution(self) -> tuple[Tensor, Tensor | None, int, int] | None:
        """The ordinary convolution that this layer is: kernel, bias or None, stride, and zeros on each side.

        None where an activation follows or pixels lie between the taps.
        """
        if self.dilation_rate > 1 or not _weights.is_linear(self):
            return None
        bias = None if self.bias is None else ops.repeat(ops.convert_to_tensor(self.bias), self.group.order)
        return self.filter_bank(), bias, self.strides, self._pad

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        sizes = [output_size(size, self._side, self.strides, self.padding) for size in input_shape[1:3]]
        return (input_shape[0], *sizes, self.filters * self.group.order)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: those of the ordinary convolution that this layer is."""
        positions = 1
        for size in input_shape[1:3]:
            positions *= output_size(size, self._side, self.strides, self.padding) or 0
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
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **_weights.config(self, "kernel", "bias"),
        }
