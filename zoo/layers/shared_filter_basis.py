"""The filters that the layers of a stage have in common."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _common, _weights
from zoo.layers._channels_last import ChannelsLast
from zoo.math.values import Tensor, check_odd, check_whole


@keras.saving.register_keras_serializable(package="zoo")
class SharedFilterBasis(ChannelsLast):
    """One variable that holds the shared filters of a stage, and gives them as a tensor to the layers that use them.

        basis = SharedFilterBasis(16, name="stage1_basis")(x)
        x = SharedBasisConv2D(32, name="conv1")(x, basis)
        x = SharedBasisConv2D(32, name="conv2")(x, basis)

    Of its input only the number of channels counts. Since the filters travel as a tensor, no layer refers to another
    one: a model has them once, in memory, in its files and after cloning.

    The double form has two sets in one variable, one for the first and one for the second convolution of the blocks,
    so that both begin, and are kept, orthogonal to each other too: with `bases=2` the layer returns two tensors.

    Args:
        filters: shared filters S of a set.
        kernel_size: odd window size k.
        bases: number of sets.
        groups: the filters see channels / groups channels each.
        kernel_initializer: by default all filters, of all sets together, are orthonormal (where there are more of them
            than weights in a filter, the weights' rows are).
        kernel_regularizer: such as `zoo.losses.Orthogonality`.
        kernel_constraint: of the filters of all sets.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, C). Output shape: (k, k, C / groups, filters), one for each of the `bases`, in the dtype of
    the variable, float32 also where the policy is mixed. Weights: `kernel` (k, k, C / groups, bases * filters).

    Raises:
        ValueError: numbers that are not positive, an even window, `groups` that do not divide channels and filters.

    Example:
        >>> first, second = SharedFilterBasis(8, bases=2)(keras.ops.ones((1, 32, 32, 16)))
        >>> first.shape
        (3, 3, 16, 8)

    Source: Kang and Kim, Learning Shared Filter Bases, NeurIPS 2021.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        bases: int = 1,
        groups: int = 1,
        kernel_initializer: Any = "orthogonal",
        kernel_regularizer: Any = None,
        kernel_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(autocast=False, **kwargs)  # penalties need the filters as they are; users cast them
        self.filters, self.bases = check_whole("filters", filters), check_whole("bases", bases)
        self.kernel_size = check_odd(kernel_size)
        self.groups = check_whole("groups", groups)
        if filters % groups:
            raise ValueError(f"Expected `filters` to be divisible by `groups`; got filters={filters}, groups={groups}.")
        _weights.keep(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the filters for the number of input channels."""
        self.fix_channels(_common.channels_of(self.name, input_shape))
        shape = (self.kernel_size, self.kernel_size, self._channels(input_shape), self.bases * self.filters)
        options = _weights.options(self, "kernel") | {"initializer": _common.in_float32(self.kernel_initializer)}
        self.kernel = self.add_weight(name="kernel", shape=shape, **options)

    def call(self, inputs: Tensor) -> Tensor:
        """The filters, or a tuple of the sets of filters."""
        sets = self.sets()
        return sets[0] if self.bases == 1 else sets

    def sets(self) -> tuple[Tensor, ...]:
        """The sets of filters, each (k, k, C / groups, filters)."""
        kernel = ops.convert_to_tensor(self.kernel)
        return (kernel,) if self.bases == 1 else tuple(ops.split(kernel, self.bases, axis=-1))

    def compute_output_spec(self, inputs: Tensor) -> Any:
        """The filters as symbolic tensors."""
        shape = (self.kernel_size, self.kernel_size, self._channels(inputs.shape), self.filters)
        specs = tuple(keras.KerasTensor(shape, dtype=self.variable_dtype) for _ in range(self.bases))
        return specs[0] if self.bases == 1 else specs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Shape of the filters, or a tuple of the shapes of the sets."""
        shape = (self.kernel_size, self.kernel_size, self._channels(input_shape), self.filters)
        return shape if self.bases == 1 else (shape,) * self.bases

    def _channels(self, input_shape: tuple[int | None, ...]) -> int:
        channels = _common.channels_of(self.name, input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Layer {self.name!r}: `groups` must divide the input channels; got {self.groups} groups for "
                f"{channels} channels."
            )
        return channels // self.groups

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """No multiply-accumulates."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "bases": self.bases,
            "groups": self.groups,
            **_weights.config(self, "kernel"),
        }
