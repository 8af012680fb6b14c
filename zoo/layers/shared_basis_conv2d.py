"""A convolution whose filters are combinations of shared and of a few own ones."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import initializers, ops, regularizers

from zoo.layers import _common
from zoo.layers._channels_last import ChannelsLast
from zoo.layers.protocol import SharedFilters
from zoo.math.values import Tensor, check_number, check_odd, check_square, check_whole


@keras.saving.register_keras_serializable(package="zoo")
class SharedBasisConv2D(ChannelsLast):
    """Convolution by a basis of filters, most of them shared with other layers, then by coefficients of its own.

    With U unique filters u of this layer and S shared filters b, which come as a second input from a
    `SharedFilterBasis`:

        r = norm(concatenate(u * x, b * x))        k x k, stride 1, symmetric zeros; unique filters first
        y = coefficients r                         1x1, from U + S to `filters` channels, no bias

    `norm` is a batch normalization of this layer's own; nothing bends the values between basis and coefficients, so in
    inference the layer is one k x k convolution (`zoo.fold`). An ordinary normalization and ReLU follow.

    Args:
        filters: output channels; None leaves norm and coefficients out and returns the responses `r` before the norm.
        kernel_size: odd window size k.
        unique: number U of filters of this layer alone; may be 0 where there is a basis.
        groups: the unique filters see channels / groups channels each.
        basis_groups: the shared filters see channels / basis_groups channels each.
        momentum: of the moving averages in the norm.
        epsilon: added to the variance in the norm.
        unique_initializer: by default the unique filters are orthonormal.
        coefficients_initializer: by default normal with variance 2 / filters.
        orthogonality: a `zoo.losses.Orthogonality` for the unique filters: each to the others of this layer and to all
            shared filters that the layer is given.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Inputs: `inputs` (B, H, W, C); `basis` (k, k, C / basis_groups, S) or none; `other_basis`, further shared filters
    that this layer does not use and its unique filters are orthogonal to (second set of the double form), or none.
    Output shape: (B, H, W, filters), or (B, H, W, U + S) without coefficients.
    Weights: `unique_kernel` (k, k, C / groups, U), `norm/gamma` and `norm/beta` (U + S,) with moving averages,
    `coefficients` (1, 1, U + S, filters).

    Raises:
        ValueError: neither basis nor unique filters, a basis that does not fit the channels or the window, groups that
            do not divide, a stride other than 1: the stride belongs to the stage's first block, which shares nothing.

    Example:
        >>> from zoo.layers import SharedFilterBasis
        >>> x = keras.ops.ones((2, 8, 8, 12))
        >>> SharedBasisConv2D(16, unique=2)(x, SharedFilterBasis(6)(x)).shape
        (2, 8, 8, 16)

    Source: Kang and Kim, Learning Shared Filter Bases, NeurIPS 2021; the block is that of the authors' published code.
    """

    def __init__(
        self,
        filters: int | None,
        kernel_size: int = 3,
        *,
        unique: int = 1,
        groups: int = 1,
        basis_groups: int = 1,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        unique_initializer: Any = "orthogonal",
        coefficients_initializer: Any = None,
        orthogonality: Any = None,
        **kwargs: Any,
    ) -> None:
        strides = check_square("strides", kwargs.pop("strides", 1))
        super().__init__(autocast=False, **kwargs)  # the penalty takes the shared filters as they are
        if strides != 1:
            raise ValueError(
                f"Layer {self.name!r} expects stride 1, for which shared filters are; got strides={strides}. Put the "
                "stride into the stage's first block, with a convolution of its own."
            )
        self.filters = None if filters is None else check_whole("filters", filters)
        self.kernel_size = check_odd(kernel_size)
        self.unique = check_whole("unique", unique, 0)
        self.groups, self.basis_groups = check_whole("groups", groups), check_whole("basis_groups", basis_groups)
        if unique % groups:
            raise ValueError(f"Expected `unique` to be divisible by `groups`; got unique={unique}, groups={groups}.")
        self.unique_initializer = initializers.get(unique_initializer)
        self.coefficients_initializer = initializers.get(coefficients_initializer)
        self.orthogonality: Any = None if isinstance(orthogonality, int | float) else regularizers.get(orthogonality)
        if orthogonality is not None and not hasattr(self.orthogonality, "cross"):
            raise ValueError(
                f"Expected `orthogonality` to be a zoo.losses.Orthogonality, as in Orthogonality(10.0), or None; got "
                f"{orthogonality!r}."
            )
        self.momentum = check_number("momentum", momentum, least=0, most=1)
        self.epsilon = check_number("epsilon", epsilon, least=0)
        self.norm = None
        if filters is not None:
            self.norm = keras.layers.BatchNormalization(
                momentum=momentum, epsilon=epsilon, dtype=self.dtype_policy, name="norm"
            )

    def build(
        self,
        inputs_shape: tuple[int | None, ...],
        basis_shape: tuple[int, ...] | None = None,
        other_basis_shape: tuple[int, ...] | None = None,
    ) -> None:
        """Creates the unique filters, the norm and the coefficients."""
        if len(inputs_shape) and isinstance(inputs_shape[0], tuple | list):
            raise ValueError(f"Layer {self.name!r} takes its inputs one by one: layer(x, basis), not a list of them.")
        self.channels = channels = _common.channels_of(self.name, inputs_shape)
        self.shared = self._check_basis(channels, basis_shape)
        if other_basis_shape is not None:
            self._check_basis(channels, other_basis_shape)
        if self.orthogonality is not None and self.unique and self.shared and self.groups != self.basis_groups:
            raise ValueError(
                f"Layer {self.name!r}: `orthogonality` compares unique and shared filters, which need the same groups; "
                f"got groups={self.groups}, basis_groups={self.basis_groups}."
            )
        self.fix_channels(channels)
        size, rank = self.kernel_size, self.unique + self.shared
        self.unique_kernel = None
        if self.unique:
            self.unique_kernel = self.add_weight(
                name="unique_kernel",
                shape=(size, size, self._split(channels, self.groups, "groups"), self.unique),
                initializer=_common.in_float32(self.unique_initializer),
            )
        if self.norm is not None and self.filters is not None:
            self.norm.build((*inputs_shape[:-1], rank))
            # Variance 2 / filters, untruncated: what the paper's networks begin with.
            initializer = self.coefficients_initializer or initializers.RandomNormal(stddev=(2 / self.filters) ** 0.5)
            self.coefficients = self.add_weight(
                name="coefficients", shape=(1, 1, rank, self.filters), initializer=initializer
            )

    def _check_basis(self, channels: int, shape: tuple[int, ...] | None) -> int:
        """Number of shared filters."""
        if shape is None:
            if self.unique:
                return 0
            raise ValueError(f"Layer {self.name!r} needs a basis or `unique` filters; got no basis and unique=0.")
        size, wanted = self.kernel_size, self._split(channels, self.basis_groups, "basis_groups")
        if len(shape) and isinstance(shape[0], tuple | list):
            raise ValueError(f"Layer {self.name!r} takes one set of filters; got {len(shape)}: pass it one of them.")
        if len(shape) != 4 or tuple(shape[:3]) != (size, size, wanted) or shape[3] % self.basis_groups:
            raise ValueError(
                f"Layer {self.name!r} expects a basis of shape ({size}, {size}, {wanted}, filters) for inputs of "
                f"{channels} channels, its filters divisible by {self.basis_groups} groups; got {tuple(shape)}."
            )
        return shape[3]

    def _split(self, channels: int, groups: int, name: str) -> int:
        if channels % groups:
            raise ValueError(
                f"Layer {self.name!r}: `{name}` must divide the input channels; got {groups} groups for {channels} "
                "channels."
            )
        return channels // groups

    def call(
        self,
        inputs: Tensor,
        basis: Tensor | None = None,
        other_basis: Tensor | None = None,
        training: bool | None = None,
    ) -> Tensor:
        """Maps (B, H, W, C) to (B, H, W, filters)."""
        inputs = ops.cast(inputs, self.compute_dtype)
        kernels = [kernel for kernel in (self.unique_kernel, basis) if kernel is not None]
        if self.orthogonality is not None and self.unique:
            self.add_loss(self._penalty([shared for shared in (basis, other_basis) if shared is not None]))
        responses = self._convolve(inputs, kernels, merged=bool(training) and self.groups == self.basis_groups == 1)
        if self.norm is None:
            return responses
        responses = self.norm(responses, training=training)
        return self._conv(responses, self.coefficients)

    def _convolve(self, inputs: Tensor, kernels: list[Tensor], merged: bool) -> Tensor:
        """Responses of all filters.

        One convolution is faster than two in training. In inference there are two: an exported graph then holds the
        shared filters once, and not joined to every layer's unique ones.
        """
        if merged:
            kernels = [ops.concatenate([ops.cast(k, self.compute_dtype) for k in kernels], axis=-1)]
        responses = [self._conv(inputs, kernel) for kernel in kernels]
        return responses[0] if len(responses) == 1 else ops.concatenate(responses, axis=-1)

    def _conv(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        kernel = ops.cast(kernel, self.compute_dtype)
        return ops.conv(inputs, kernel, padding="same", data_format="channels_last")

    def _penalty(self, shared: list[Tensor]) -> Tensor:
        unique = ops.convert_to_tensor(self.unique_kernel)
        return self.orthogonality(unique) + sum(self.orthogonality.cross(kernel, unique) for kernel in shared)

    def compute_output_shape(
        self, inputs_shape: tuple[int | None, ...], basis_shape: Any = None, other_basis_shape: Any = None
    ) -> tuple[int | None, ...]:
        """Shape of the output for the shapes of the inputs."""
        rank = self.unique + (basis_shape[3] if basis_shape else 0)
        return (*inputs_shape[:-1], rank if self.filters is None else self.filters)

    def shared_filters(self) -> SharedFilters:
        """What the layer is made of, for folding."""

        def array(value: Any) -> np.ndarray:
            return np.asarray(ops.convert_to_numpy(value), np.float64)

        unique = None if self.unique_kernel is None else array(self.unique_kernel)
        coefficients = None if self.norm is None else array(self.coefficients)[0, 0]
        return SharedFilters(unique, self.groups, self.shared, self.basis_groups, self.norm, coefficients)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample: unique and shared filters, and coefficients."""
        _, height, width, channels = input_shape
        seen = self.unique * channels // self.groups + self.shared * channels // self.basis_groups
        mixing = 0 if self.filters is None else (self.unique + self.shared) * self.filters
        return height * width * (self.kernel_size**2 * seen + mixing)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        coefficients = self.coefficients_initializer
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "unique": self.unique,
            "groups": self.groups,
            "basis_groups": self.basis_groups,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "unique_initializer": initializers.serialize(self.unique_initializer),
            "coefficients_initializer": initializers.serialize(coefficients) if coefficients else None,
            "orthogonality": regularizers.serialize(self.orthogonality) if self.orthogonality else None,
        }
