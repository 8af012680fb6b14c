"""Log-polar space convolution: a large window with few weights, coarser the farther from its middle."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
from keras import activations, ops

from zoo.layers import _common, _log_polar, _weights
from zoo.layers._channels_last import ChannelsLast
from zoo.math import LogPolarMap, log_polar_map, output_size, symmetric_padding
from zoo.math.values import Tensor, check_choice, check_number, check_odd, check_pair, check_square, check_whole

POOLINGS = ("mean", "sum", "max")
IMPLEMENTATIONS = ("auto", "dense", "shift")


@keras.saving.register_keras_serializable(package="zoo")
class LogPolarConv2D(ChannelsLast):
    """Convolution whose weights are shared over log-polar regions of its window (LPSC).

    The window is cut into L rings with geometrically growing radii, and every ring into A sectors:
    R = L * A regions Omega_r (`zoo.math.log_polar_map`). Each region has one weight a pair of channels, and the middle
    pixel one of its own:

        out[p, o] = sum_r sum_c kernel[r, c, o] pool_{d in Omega_r} in[s p + d, c]
                  + sum_c center_kernel[c, o] in[s p, c] + bias[o]

    `pool` is the mean over all N_r pixels of the region, the sum, or the maximum. Zeros around the image count as
    pixels in all three. There are two exact implementations with the same weights:

    * `"dense"` writes every weight, divided by N_r, to the cells of its region: one ordinary convolution.
    * `"shift"` adds up shifted copies of the map, one a cell, into R pooled maps, and mixes their channels in one
      product of two matrices. It has far fewer multiplications, and a gradient of its own, for reverse mode only:
      `jax.jvp` needs `"dense"`.

    `"auto"` takes `"shift"` on CPUs where K Cout > R (Cout + c) + K for K cells, and `"dense"` elsewhere; c is 30, and
    100 on torch, which also takes `"dense"` for strides above 2. Maxima have only the second.

    Args:
        filters: number of output channels Cout.
        kernel_size: odd window size k, or (height, width).
        levels: rings L.
        angles: sectors A of each ring; even.
        growth: ratio of successive radii, above 1; the first radius is at least sqrt(2), so that small windows do not
            honour it.
        strides: step of the window, the same along both axes.
        padding: `"same"` (symmetric zeros) or `"valid"`.
        pooling: `"mean"`, `"sum"` or `"max"`.
        center: give the middle pixel a weight of its own.
        use_bias: add one bias an output channel.
        center_bias: add a second one, as the authors' networks have: it doubles the bias' learning rate.
        center_in_region: the middle pixel is in region 0 too.
        clip_corners: leave the pixels beyond the last radius out; else they are in the last ring.
        rotation: turns the regions counter-clockwise, in radians.
        ratio: vertical over horizontal axis of the elliptic rings; None takes the window's.
        reference_map: the authors' map to the letter; see `zoo.math.log_polar_map`.
        implementation: `"auto"`, `"dense"` or `"shift"`; may be set later too.
        kernel_initializer: of `kernel` and `center_kernel`, whose fans are R Cin and R Cout, Cin and Cout.
        bias_initializer: of both biases.
        kernel_regularizer: of `kernel` and `center_kernel`.
        bias_regularizer: of both biases.
        kernel_constraint: of `kernel` and `center_kernel`, each for itself.
        bias_constraint: of both biases.
        activation: applied to every number; None for none.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, Cin). Output shape: (B, H', W', filters).
    Weights: `kernel` (R, Cin, Cout), `center_kernel` (Cin, Cout), `bias` and `center_bias` (Cout,).

    Raises:
        ValueError: even window size, odd number of angles, unknown pooling, padding or implementation, `"dense"` for
            maxima, a second bias without the centre's weights.

    Warns:
        UserWarning: regions without a pixel, whose weights do nothing.

    Example:
        >>> LogPolarConv2D(16, 9, levels=2, angles=6, growth=3)(keras.ops.ones((2, 32, 32, 3))).shape
        (2, 32, 32, 16)

    Source: Su and Wen, Log-Polar Space Convolution Layers, NeurIPS 2022. The formulas are those of the authors'
    published code; the paper's full text was not read.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        levels: int = 2,
        angles: int = 6,
        growth: float = 2.0,
        *,
        strides: int = 1,
        padding: str = "same",
        pooling: str = "mean",
        center: bool = True,
        use_bias: bool = True,
        center_bias: bool = False,
        center_in_region: bool = True,
        clip_corners: bool = False,
        rotation: float = 0.0,
        ratio: float | None = None,
        reference_map: bool = False,
        implementation: str = "auto",
        kernel_initializer: Any = "he_normal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        activation: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters, self.levels = check_whole("filters", filters), check_whole("levels", levels)
        self.angles, self.strides = check_whole("angles", angles), check_square("strides", strides)
        _check(self.angles, center, center_bias)
        height, width = check_pair("kernel_size", kernel_size)
        self.kernel_size = (check_odd(height), check_odd(width))
        self.growth = check_number("growth", growth, above=1, reason=", for rings to grow")
        self.padding, self.pooling, self.center = padding, check_choice("pooling", pooling, POOLINGS), center
        self.use_bias, self.use_center_bias = use_bias, center_bias
        self.map_options: dict[str, Any] = {
            "center_in_region": center_in_region,
            "clip_corners": clip_corners,
            "rotation": rotation,
            "ratio": ratio,
            "reference_map": reference_map,
        }
        self.implementation = implementation
        self.activation = activations.get(activation)
        _weights.keep(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        _weights.keep(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        margins = (symmetric_padding(height, padding), symmetric_padding(width, padding))
        self._window = _log_polar.Window(self.kernel_size, margins, self.strides)
        self.regions: LogPolarMap = log_polar_map(
            self.kernel_size, self.levels, self.angles, self.growth, **self.map_options
        )
        if not (center or self.regions.counts.any()):
            raise ValueError(
                f"Expected a window with pixels besides its middle; got {height}x{width} without it: make it larger."
            )
        self._warn_if_empty()

    @property
    def implementation(self) -> str:
        """`"auto"`, `"dense"` or `"shift"`."""
        return self._implementation

    @implementation.setter
    def implementation(self, value: str) -> None:
        if check_choice("implementation", value, IMPLEMENTATIONS) == "dense" and self.pooling == "max":
            raise ValueError(
                'Expected `implementation` to be "auto" or "shift" for maxima, which are no convolution; got "dense".'
            )
        self._implementation = value

    @property
    def gains_from_xla(self) -> bool:
        """True where it convolves maps; on the few channels of a picture it is a small part of its network."""
        return bool(self.built and self.kernel.shape[1] > 4)

    def _warn_if_empty(self) -> None:
        if empty := self.regions.empty:
            places = ", ".join(f"(ring {r // self.angles}, sector {r % self.angles})" for r in empty)
            warnings.warn(
                f"Layer {self.name!r}: a window of {self.kernel_size[0]}x{self.kernel_size[1]} leaves "
                f"{len(empty)} of {self.regions.regions} regions without a pixel: {places}. Their weights do nothing. "
                "Choose fewer levels or angles, or a larger window.",
                stacklevel=3,
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for the number of input channels."""
        channels, regions = _common.channels_of(self.name, input_shape), self.regions
        self._check_size(input_shape)
        self.fix_channels(channels)
        kernel, bias = _weights.options(self, "kernel"), _weights.options(self, "bias")
        self.kernel = self.add_weight(name="kernel", shape=(regions.regions, channels, self.filters), **kernel)
        self.center_kernel = self.center_bias = self.bias = None
        if self.center:
            kernel["initializer"] = _common.another(self.kernel_initializer)
            self.center_kernel = self.add_weight(name="center_kernel", shape=(channels, self.filters), **kernel)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), **bias)
        if self.use_center_bias:
            bias["initializer"] = _common.another(self.bias_initializer)
            self.center_bias = self.add_weight(name="center_bias", shape=(self.filters,), **bias)
        # Asked for here, where the variable has its value: in a compiled step of JAX it has a tracer of no device.
        self._on_cpu = _is_on_cpu(self.kernel.value)
        self._members = regions.membership()  # (K, R), and a column for the middle pixel
        if self.center:
            row, column = regions.center
            middle = np.zeros((len(self._members), 1))
            middle[row * self.kernel_size[1] + column] = 1
            self._members = np.concatenate([self._members, middle], axis=1)
        counts = self._members.sum(axis=0)
        self._scales = 1 / np.maximum(counts, 1) if self.pooling == "mean" else np.ones_like(counts)

    def _check_size(self, shape: Any) -> None:
        sizes = self.compute_output_shape(shape)[1:3]
        if any(isinstance(size, int) and size < 1 for size in sizes):
            raise ValueError(
                f"Layer {self.name!r} with padding='valid' expects images at least as large as its window, "
                f"{self.kernel_size[0]}x{self.kernel_size[1]}; got shape {tuple(shape)}."
            )

    def call(self, inputs: Tensor) -> Tensor:
        """Convolves (B, H, W, Cin) to (B, H', W', filters)."""
        self._check_size(inputs.shape)
        inputs = ops.cast(inputs, self.compute_dtype)  # integers, too, which Keras hands over as they are
        outputs = self._shift(inputs) if self.form == "shift" else self._dense(inputs)
        bias = self._total_bias()
        outputs = outputs if bias is None else _common.with_bias(outputs, bias)
        return outputs if _weights.is_linear(self) else self.activation(outputs)

    @property
    def form(self) -> str:
        """The implementation in use, `"dense"` or `"shift"`.

        Raises:
            ValueError: `"auto"`, and the layer is not built.
        """
        if self.pooling == "max":
            return "shift"
        if self.implementation != "auto":
            return self.implementation
        if not self.built:
            raise ValueError(f"Layer {self.name!r} chooses when it is built, for the device of its weights.")
        # Fitted to `benchmarks/log_polar.py`: XLA fuses the shifts, torch makes one call for each.
        eager = keras.backend.backend() == "torch"
        cells, regions = self.kernel_size[0] * self.kernel_size[1], self.regions.regions
        fewer = cells * self.filters > regions * (self.filters + (100 if eager else 30)) + cells
        return "shift" if fewer and self._on_cpu and not (eager and self.strides > 2) else "dense"

    def dense_kernel(self) -> Tensor:
        """The kernel (kh, kw, Cin, Cout) of the ordinary convolution that this layer is.

        A product with a matrix of few entries, not an indexing: its gradient is a product too, where that of an
        indexing adds up in an order of its own on GPUs.
        """
        if self.pooling == "max":
            raise ValueError(f"Expected means or sums to make a convolution of; layer {self.name!r} takes maxima.")
        kernel = self._kernels()
        matrix = ops.convert_to_tensor(self._members * self._scales, dtype=kernel.dtype)
        columns = ops.reshape(kernel, (kernel.shape[0], -1))
        return ops.reshape(ops.matmul(matrix, columns), (*self.kernel_size, *kernel.shape[1:]))

    def _kernels(self) -> Tensor:
        """Weights of all regions and of the middle pixel, (R + 1, Cin, Cout)."""
        kernel = ops.convert_to_tensor(self.kernel)
        return kernel if self.center_kernel is None else ops.concatenate([kernel, self.center_kernel[None]], axis=0)

    def _total_bias(self) -> Tensor:
        biases = [ops.convert_to_tensor(bias) for bias in (self.bias, self.center_bias) if bias is not None]
        return sum(biases[1:], biases[0]) if biases else None

    def _dense(self, inputs: Tensor) -> Tensor:
        padding = self.padding
        if padding == "same" and self.strides > 1:  # of an odd excess, "same" puts more after the map than before it
            (rows, columns), padding = self._window.pad, "valid"
            inputs = ops.pad(inputs, ((0, 0), (rows, rows), (columns, columns), (0, 0)))
        kernel = self.dense_kernel()
        return ops.conv(inputs, kernel, strides=self.strides, padding=padding, data_format="channels_last")

    def _shift(self, inputs: Tensor) -> Tensor:
        """Pools over the regions, the middle pixel being one more, then mixes the channels of all of them."""
        width = self.kernel_size[1]
        cells = [[divmod(int(cell), width) for cell in np.flatnonzero(column)] for column in self._members.T]
        if self.pooling == "max":
            pooled = _log_polar.pool_max(inputs, cells, self._window)
        else:
            pooled = _log_polar.pool_linear(inputs, cells, self._scales.tolist(), self._window)
        return _common.pointwise(pooled, ops.reshape(self._kernels(), (-1, self.filters)))

    def plain_convolution(self) -> tuple[Tensor, Tensor | None, int, int | tuple[int, int]] | None:
        """The ordinary convolution that this layer is: kernel, bias or None, stride, and zeros on each side.

        None for maxima, and where an activation follows.
        """
        if self.pooling == "max" or not _weights.is_linear(self):
            return None
        rows, columns = self._window.pad
        return self.dense_kernel(), self._total_bias(), self.strides, rows if rows == columns else (rows, columns)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        lengths = zip(input_shape[1:3], self.kernel_size, strict=True)
        sizes = [output_size(length, size, self.strides, self.padding) for length, size in lengths]
        return (input_shape[0], *sizes, self.filters)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: one a weight and position; the additions of the pooling do not count."""
        _, height, width, _ = self.compute_output_shape(input_shape)
        positions = (height or 0) * (width or 0)
        return positions * input_shape[-1] * self.filters * (self.regions.regions + self.center)

    def prepare_export(self) -> None:
        """Computes as one convolution: what suits the CPU here need not suit the device that serves."""
        if self.pooling != "max":
            self.implementation = "dense"

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        names = ("filters", "kernel_size", "levels", "angles", "growth", "strides", "padding", "pooling", "center")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            **self.map_options,
            "use_bias": self.use_bias,
            "center_bias": self.use_center_bias,
            "implementation": self.implementation,
            **_weights.config(self, "kernel", "bias"),
            "activation": activations.serialize(self.activation),
        }


def _check(angles: int, center: bool, center_bias: bool) -> None:
    if angles % 2:
        raise ValueError(
            f"Expected `angles` to be even, for the regions of one half to mirror the other's; got {angles}."
        )
    if center_bias and not center:
        raise ValueError(
            "Expected `center=True` with `center_bias`, the bias of the middle pixel's weights; got center=False."
        )


def _is_on_cpu(value: Any) -> bool:
    """Whether a tensor lies in the memory of CPUs."""
    device = getattr(value, "device", "")
    several = getattr(device, "device_set", None)  # a sharding, of JAX
    return "cpu" in str(next(iter(several)) if several else device).lower()
