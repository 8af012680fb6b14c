"""Group convolution: from a feature map on the group to another."""

from __future__ import annotations

import keras
from keras import ops

from zoo.layers import _group
from zoo.layers.base_group_conv2d import BaseGroupConv2D
from zoo.math.values import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class GConv2D(BaseGroupConv2D):
    """Group-equivariant convolution of a feature map on p4 or p4m.

        out[x, o, j] = sum_{y, i, h} T_j(w[:, :, P_j[h], i, o])[y] * in[x + y, i, h]

    with T_j the action of element j on the grid and P_j[h] the index of g_j^-1 g_h (`zoo.math.Group.relative`). Turning
    (p4) or turning and flipping (p4m) the input does the same to the output. Not to be confused with Keras' grouped
    convolution, `Conv2D(groups=...)`.

    Exactness: equivariant to float round-off where (L + 2p - k) is divisible by the stride for height and width L,
    with p = (k - 1) / 2 for `"same"` and 0 for `"valid"`: always for stride 1; for stride 2 and `"same"`, odd sizes.
    Elsewhere building the layer warns. To halve even sizes exactly, use stride 1 and `MaxPooling2D(2)`.

    Args:
        filters: number of fields C in the output.
        kernel_size: odd window size k; 1 is computed as a matrix product.
        group: `"p4"` (n = 4) or `"p4m"` (n = 8), the same as in the layers before.
        strides: step of the window, the same along both axes.
        padding: `"same"` (symmetric zeros) or `"valid"`.
        dilation_rate: distance of the window's taps, the same along both axes; for `strides` 1 only.
        activation: applied to every number, which keeps the equivariance; None for none.
        use_bias: add one bias a field, shared over the group.
        kernel_initializer: None draws from the untruncated normal distribution of variance 2 / (n Cin k^2).
        bias_initializer: of the bias.
        kernel_regularizer: of the learned filters, which all orientations share.
        bias_regularizer: of the bias.
        kernel_constraint: of the learned filters.
        bias_constraint: of the bias.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, Cin * n), channel index = field * n + element. Output shape: (B, H', W', filters * n).
    Weights: `kernel` (k, k, n, Cin, filters) and, if asked for, `bias` (filters,).

    Raises:
        ValueError: even kernel size, unknown group or padding, channels that are no multiple of n.

    Example:
        >>> GConv2D(16, 3, group="p4m")(keras.ops.ones((2, 15, 15, 8 * 4))).shape
        (2, 15, 15, 128)

    Source: Cohen and Welling, Group Equivariant Convolutional Networks, ICML 2016, section 6.1.
    """

    def kernel_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int, ...]:
        """Shape of the group filters, (k, k, n, Cin, filters)."""
        fields = _group.count_fields(self.name, input_shape, self.group)
        return (self.kernel_size, self.kernel_size, self.group.order, fields, self.filters)

    def filter_bank(self) -> Tensor:
        """All orientations of the filters, (k, k, Cin * n, filters * n)."""
        return _group.expand_kernel(ops.convert_to_tensor(self.kernel), self.group)
