"""The E4 layer: a convolution whose kernels are made from the feature map itself, equivariantly."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, ops, regularizers

from zoo.layers import _common, _e4, _group
from zoo.layers._group import GroupLayer
from zoo.math.values import Tensor, check_number, check_odd, check_whole


@keras.saving.register_keras_serializable(package="zoo")
class E4Conv2D(GroupLayer):
    """Efficient equivariant layer: group mixing by a 1x1 group convolution, then spatial mixing by generated kernels.

    For an input f with Cin fields on a group of order n:

        V = value * f                              1x1 group convolution to C = `filters` fields
        a = ReLU(norm(generator * f))              1x1 group convolution to Cr = Cin // reduction fields
        K[s, y, g, x] = T_g(M a[g, x] + m)[s, y]   one k x k kernel a slice s, element g and position x
        out[x, c, g] = sum_y K[c // (C / slices), y, g, x] V[x + y, c, g]

    `norm` standardises every field of every sample over (n, H, W) and has one scale and one offset a *field*: the
    reference implementation has one a field and element, which is not equivariant once trained. T_g is applied to the
    weights M and m, not to the kernels. The kernels are not normalised: follow the layer with `GBatchNormalization`.

    Exactness: equivariant to float round-off on every grid (stride 1, odd k, symmetric zeros). Since the norm looks at
    the whole map, translation equivariance holds only up to that norm.

    Args:
        filters: number of fields C in the output.
        kernel_size: odd window size k of the generated kernels.
        slices: number of kernels a position and element; C / slices consecutive fields share one.
        reduction: the generator has Cin // reduction fields.
        group: `"p4"` (n = 4) or `"p4m"` (n = 8), the same as in the layers before.
        epsilon: added to the variance in the generator's norm.
        kernel_regularizer: regularizer of `value_kernel`, `generator_kernel` and `head_kernel`.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, Cin * n), channel index = field * n + element. Output shape: (B, H, W, filters * n).
    Weights: `value_kernel` (1, 1, n, Cin, C), `generator_kernel` (1, 1, n, Cin, Cr), `generator_gamma` and
    `generator_beta` (Cr,), `head_kernel` (k, k, Cr, slices), `head_bias` (k, k, slices); together
    n Cin C + n Cin Cr + 2 Cr + (Cr + 1) k^2 slices parameters.

    Raises:
        ValueError: even kernel size, `filters` not divisible by `slices`, `reduction` larger than Cin, unknown group,
            channels that are no multiple of n.

    Example:
        >>> E4Conv2D(16, 5, slices=2, group="p4")(keras.ops.ones((2, 28, 28, 64))).shape
        (2, 28, 28, 64)

    Source: He, Chen, Shen, Dong, Wang and Lin, Efficient Equivariant Network, NeurIPS 2021. The formulas are those of
    the authors' published code but for the shared scale and offset; the paper's full text was not read.
    """

    gains_from_xla = True

    def __init__(
        self,
        filters: int,
        kernel_size: int = 5,
        *,
        slices: int = 2,
        reduction: int = 1,
        group: str = "p4",
        epsilon: float = 1e-5,
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(group, **kwargs)
        self.filters = check_whole("filters", filters)
        self.kernel_size = check_odd(kernel_size)
        self.slices = check_whole("slices", slices)
        self.reduction = check_whole("reduction", reduction)
        if filters % slices:
            raise ValueError(f"Expected `filters` to be divisible by `slices`; got filters={filters}, slices={slices}.")
        self.epsilon = check_number("epsilon", epsilon, least=0)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for the number of input fields."""
        n, k = self.group.order, self.kernel_size
        # Puts the channels back from (element, slice, field in slice) to (slice, field in slice, element), and the
        # positions before them. A product with this permutation matrix, not a transpose: XLA fuses a transpose and
        # all taps into every later reduction and so computes them many times; it never fuses into a product.
        order = np.arange(self.filters * n).reshape(self.slices, -1, n).transpose(2, 0, 1).ravel()
        self._restore = np.eye(self.filters * n)[order]
        fields = self.build_fields(input_shape)
        self.width = fields // self.reduction
        if not self.width:
            raise ValueError(
                f"Layer {self.name!r} expects `reduction` of at most its {fields} input fields; got {self.reduction}."
            )
        he, head = _group.he_normal(n * fields), initializers.RandomUniform(-(self.width**-0.5), self.width**-0.5)
        kernel = {"regularizer": self.kernel_regularizer}
        self.value_kernel = self.add_weight(
            name="value_kernel", shape=(1, 1, n, fields, self.filters), initializer=he, **kernel
        )
        self.generator_kernel = self.add_weight(
            name="generator_kernel", shape=(1, 1, n, fields, self.width), initializer=he.clone(), **kernel
        )
        self.generator_gamma = self.add_weight(name="generator_gamma", shape=(self.width,), initializer="ones")
        self.generator_beta = self.add_weight(name="generator_beta", shape=(self.width,), initializer="zeros")
        self.head_kernel = self.add_weight(
            name="head_kernel", shape=(k, k, self.width, self.slices), initializer=head, **kernel
        )
        self.head_bias = self.add_weight(name="head_bias", shape=(k, k, self.slices), initializer=head.clone())

    def call(self, inputs: Tensor) -> Tensor:
        """Maps feature maps (B, H, W, Cin * n) to (B, H, W, filters * n)."""
        batch, height, width, _ = ops.shape(inputs)
        rows = _e4.Rows(height, width, self.kernel_size)
        # Inside, channels come before positions, as (element, slice, field in slice).
        laid = ops.swapaxes(rows.lay(inputs), 1, 2)
        slices, length = self.group.order * self.slices, rows.core + 2 * rows.margin
        kernels = ops.matmul(_e4.repeat(self._head_matrices(), batch), self._features(laid, rows))
        kernels = ops.reshape(kernels, (batch, slices, self.kernel_size**2, length))
        values = ops.matmul(_e4.repeat(self._matrix(self.value_kernel, self.slices), batch), laid)
        values = ops.reshape(values, (batch, slices, self.filters // self.slices, length))
        outputs = _e4.aggregate(kernels, values, rows)
        outputs = ops.swapaxes(ops.reshape(outputs, (batch, self.filters * self.group.order, rows.core)), 1, 2)
        restore = ops.convert_to_tensor(self._restore, dtype=outputs.dtype)
        return rows.lift(ops.matmul(outputs, _e4.repeat(restore, batch)))

    def _matrix(self, kernel: Tensor, slices: int) -> Tensor:
        """Matrix of a 1x1 group convolution, its rows in the order (element, slice, field in slice)."""
        matrix = _group.expand_kernel(ops.convert_to_tensor(kernel), self.group)[0, 0]
        inputs, outputs = matrix.shape
        matrix = ops.reshape(matrix, (inputs, slices, -1, self.group.order))
        return ops.reshape(ops.transpose(matrix, (3, 1, 2, 0)), (outputs, inputs))

    def _features(self, laid: Tensor, rows: _e4.Rows) -> Tensor:
        """The generator's features and a one for the head's bias, (B, n, Cr + 1, numbers in a row).

        With the one, the gradient of the bias comes out of the same product as the kernel's.
        """
        batch, _, length = ops.shape(laid)
        features = ops.matmul(_e4.repeat(self._matrix(self.generator_kernel, 1), batch), laid)
        features = ops.reshape(features, (batch, self.group.order, self.width, length))
        features = ops.relu(self._normalize(features, rows))
        return ops.concatenate([features, ops.ones_like(features[:, :, :1])], axis=2)

    def _normalize(self, features: Tensor, rows: _e4.Rows) -> Tensor:
        """Standardises each field of (B, n, Cr, numbers in a row) over elements and positions, in float32 or better.

        Gaps and margins are zero before, do not count, and mean nothing after.
        """
        wide = _common.widened(features)
        dtype = wide.dtype
        inside = rows.lay(ops.ones((1, rows.height, rows.width, 1), dtype))[..., 0]
        count = ops.cast(self.group.order * rows.height * rows.width, dtype)

        def mean(x: Tensor) -> Tensor:
            return ops.sum(ops.sum(x, axis=3, keepdims=True), axis=1, keepdims=True) / count

        centred = wide - mean(wide) * inside
        weights = (self.generator_gamma, self.generator_beta)
        scale, offset = (ops.reshape(ops.cast(weight, dtype), (-1, 1)) for weight in weights)
        scale = scale * ops.rsqrt(mean(ops.square(centred)) + self.epsilon)
        return ops.cast(centred * scale + offset, features.dtype)

    def _head_matrices(self) -> Tensor:
        """Matrices (n, slices * k^2, Cr + 1) that make the kernels of each element, turned by it."""
        kernel, bias = ops.convert_to_tensor(self.head_kernel), ops.convert_to_tensor(self.head_bias)
        kernel = ops.concatenate([kernel, bias[:, :, None]], axis=2)
        turned = ops.transpose(_group.turn(kernel, self.group), (2, 4, 0, 1, 3))  # (n, slices, k, k, Cr + 1)
        return ops.reshape(turned, (self.group.order, -1, self.width + 1))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return (*input_shape[:-1], self.filters * self.group.order)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: value, generator, head and aggregation.

        n^2 Cin C + n^2 Cin Cr + n Cr k^2 slices + n C k^2 at every position.
        """
        n, taps = self.group.order, self.kernel_size**2
        fields = input_shape[-1] // n
        width = fields // self.reduction
        mixing = n * n * fields * (self.filters + width)
        return input_shape[1] * input_shape[2] * (mixing + n * taps * (width * self.slices + self.filters))

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "slices": self.slices,
            "reduction": self.reduction,
            "group": self.group.name,
            "epsilon": self.epsilon,
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer) if self.kernel_regularizer else None,
        }
