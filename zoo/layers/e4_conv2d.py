"""The E4 layer: a convolution whose kernels are made from the feature map itself, equivariantly."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, ops, regularizers

from zoo.layers import _common, _group
from zoo.math import get_group
from zoo.math.values import check_odd


@keras.saving.register_keras_serializable(package="zoo")
class E4Conv2D(keras.layers.Layer):
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
        super().__init__(**kwargs)
        _common.check_positive(filters=filters, slices=slices, reduction=reduction)
        if filters % slices:
            raise ValueError(f"`filters` must be divisible by `slices`; got filters={filters}, slices={slices}.")
        self.filters = filters
        self.kernel_size = check_odd(kernel_size)
        self.slices = slices
        self.reduction = reduction
        self.group = get_group(group)
        self.epsilon = epsilon
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights for the number of input fields."""
        n, k = self.group.order, self.kernel_size
        # Puts the channels back from (field in slice, slice, element) to (slice, field in slice, element). A product
        # with this permutation matrix, not a transpose: XLA fuses a transpose and all taps into every later reduction
        # and so computes them many times; it never fuses into a product.
        order = np.arange(self.filters * n).reshape(-1, self.slices, n).swapaxes(0, 1).ravel()
        self._restore = np.eye(self.filters * n)[:, order]
        fields = _group.count_fields(self.name, input_shape, self.group)
        self.width = fields // self.reduction
        if not self.width:
            raise ValueError(
                f"Layer {self.name!r}: `reduction` must not exceed the {fields} input fields; got {self.reduction}."
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

    def call(self, inputs: Any) -> Any:
        """Maps feature maps (B, H, W, Cin * n) to (B, H, W, filters * n)."""
        batch, height, width, _ = ops.shape(inputs)
        n, shared = self.group.order, self.filters // self.slices
        features = self._normalize(_common.pointwise(inputs, self._matrix(self.generator_kernel, 1)))
        kernels = _common.pointwise(self._with_one(ops.relu(features)), self._head_matrix())
        # Inside, the fields of a slice lie apart, (field in slice, slice, element): the last two axes are then the
        # ones that the generated kernels have too.
        value = _common.pointwise(inputs, self._matrix(self.value_kernel, shared))
        value = ops.reshape(value, (batch, height, width, shared, self.slices * n))
        outputs = ops.reshape(self._aggregate(kernels, value), (batch, height, width, self.filters * n))
        return _common.pointwise(outputs, ops.convert_to_tensor(self._restore, dtype=outputs.dtype))

    def _matrix(self, kernel: Any, shared: int) -> Any:
        """Matrix of a 1x1 group convolution, its columns in the order (field in slice, slice, element)."""
        matrix = _group.expand_kernel(ops.convert_to_tensor(kernel), self.group)[0, 0]
        inputs, outputs = matrix.shape
        matrix = ops.reshape(matrix, (inputs, -1, shared, self.group.order))
        return ops.reshape(ops.swapaxes(matrix, 1, 2), (inputs, outputs))

    def _normalize(self, features: Any) -> Any:
        """Standardises each field of (B, H, W, Cr * n) over elements and positions, in float32 or better."""
        n = self.group.order
        wide = ops.cast(features, keras.backend.result_type(features.dtype, "float32"))

        def mean(x: Any) -> Any:  # (B, H, W, Cr * n) -> (B, 1, 1, Cr * n), the same for all elements of a field
            fields = ops.reshape(ops.mean(x, axis=(1, 2)), (-1, self.width, n))
            return ops.repeat(ops.mean(fields, axis=2), n, axis=1)[:, None, None, :]

        centred = wide - mean(wide)
        scale = ops.repeat(ops.cast(self.generator_gamma, wide.dtype), n)
        offset = ops.repeat(ops.cast(self.generator_beta, wide.dtype), n)
        return ops.cast(
            centred * (scale * ops.rsqrt(mean(ops.square(centred)) + self.epsilon)) + offset, features.dtype
        )

    def _with_one(self, features: Any) -> Any:
        """Appends a channel of ones for the head's bias, whose gradient then comes out of the same product."""
        return ops.concatenate([features, ops.ones_like(features[..., :1])], axis=-1)

    def _head_matrix(self) -> Any:
        """Matrix (Cr * n + 1, k^2 * slices * n) that makes the kernels of all elements, each turned by its own.

        It is block-diagonal over the elements: n times the arithmetic of n small products, but one large product that
        leaves the kernels where they are needed. That is faster by far and, being a fifth of the layer's arithmetic in
        the largest networks here, never dear.
        """
        n, taps = self.group.order, self.kernel_size**2
        blocks = []
        for g in range(n):
            block = ops.reshape(_group.turn(ops.convert_to_tensor(self.head_kernel), g), (taps, self.width, -1))
            zeros = ops.zeros_like(block)
            row = ops.stack([block if h == g else zeros for h in range(n)], axis=-1)  # (taps, Cr, slices, n)
            blocks.append(row)
        kernel = ops.transpose(ops.stack(blocks, axis=2), (1, 2, 0, 3, 4))  # (Cr, n, taps, slices, n)
        bias = ops.stack([_group.turn(ops.convert_to_tensor(self.head_bias), g) for g in range(n)], axis=-1)
        columns = taps * self.slices * n
        return ops.concatenate(
            [ops.reshape(kernel, (self.width * n, columns)), ops.reshape(bias, (1, columns))], axis=0
        )

    def _aggregate(self, kernels: Any, value: Any) -> Any:
        """out[x] = sum over taps y of kernels[y, x] * value[x + y], by shifting the whole map once a tap.

        Args:
            kernels: (B, H, W, k^2 * slices * n).
            value: (B, H, W, fields a slice, slices * n).
        """
        k, pad = self.kernel_size, self.kernel_size // 2
        batch, height, width, shared, minor = ops.shape(value)
        padded = ops.pad(value, ((0, 0), (pad, pad), (pad, pad), (0, 0), (0, 0)))
        outputs = 0
        for tap, kernel in enumerate(ops.split(kernels, k * k, axis=3)):
            row, column = divmod(tap, k)
            # Repeated by concatenation, not broadcast: the gradient is then a sum of slices, which XLA fuses; the
            # gradient of a broadcast is a reduction, many times slower on CPUs.
            kernel = ops.reshape(ops.concatenate([kernel] * shared, axis=3), (batch, height, width, shared, minor))
            outputs = outputs + kernel * padded[:, row : row + height, column : column + width]
        return outputs

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
