"""Lifting convolution: from an image to a feature map on the group."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import _common, _group
from zoo.layers.base_group_conv2d import BaseGroupConv2D
from zoo.math.values import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class LiftingConv2D(BaseGroupConv2D):
    """Convolves an image with every turned copy of each filter.

        out[x, o, j] = sum_{y, i} T_j(w[:, :, i, o])[y] * in[x + y, i]

    T_j is the action of the group's j-th element on the grid (`zoo.math.groups`), so turning the image turns the
    output and re-indexes its group axis. The layer is one ordinary convolution with `filters * n` filters.

    Exactness: equivariant to float round-off where (L + 2p - k) is divisible by the stride for height and width L,
    with p = (k - 1) / 2 for `"same"` and 0 for `"valid"`; so always for stride 1. Elsewhere building the layer warns.

    Args:
        filters: number of fields C in the output.
        kernel_size: odd window size k.
        group: `"p4"` (n = 4) or `"p4m"` (n = 8).
        strides: step of the window, the same along both axes.
        padding: `"same"` (symmetric zeros) or `"valid"`.
        dilation_rate: distance of the window's taps, the same along both axes; for `strides` 1 only.
        activation: applied to every number, which keeps the equivariance; None for none.
        use_bias: add one bias a field, shared over the group.
        kernel_initializer: None draws from the untruncated normal distribution of variance 2 / (Cin k^2).
        bias_initializer: of the bias.
        kernel_regularizer: of the learned filters, which all orientations share.
        bias_regularizer: of the bias.
        kernel_constraint: of the learned filters.
        bias_constraint: of the bias.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, Cin). Output shape: (B, H', W', filters * n), channel index = field * n + element.
    Weights: `kernel` (k, k, Cin, filters) and, if asked for, `bias` (filters,).

    Raises:
        ValueError: even kernel size, unknown group or padding, input that is not (B, H, W, Cin).

    Example:
        >>> LiftingConv2D(16, 3, group="p4")(keras.ops.ones((2, 28, 28, 1))).shape
        (2, 28, 28, 64)

    Source: Cohen and Welling, Group Equivariant Convolutional Networks, ICML 2016, section 6.1.
    """

    maps = ("plane", "group")

    def kernel_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """Shape of the planar filters, (k, k, Cin, filters)."""
        return (self.kernel_size, self.kernel_size, _common.channels_of(self.name, input_shape), self.filters)

    def filter_bank(self) -> Tensor:
        """All orientations of the filters, (k, k, Cin, filters * n)."""
        return _group.lift_kernel(ops.convert_to_tensor(self.kernel), self.group)
