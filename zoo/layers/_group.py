"""What the equivariant layers share: checks, and the expansion of one filter into its orbit under the group."""

from __future__ import annotations

import warnings
from typing import Any

from keras import initializers, ops

from zoo.layers import _common
from zoo.math import Group, is_exact


def count_fields(layer_name: str, input_shape: tuple[int | None, ...], group: Group) -> int:
    """Number of fields C of an input (B, H, W, C * n)."""
    channels = _common.channels_of(layer_name, input_shape)
    if channels % group.order:
        raise ValueError(
            f"Layer {layer_name!r} expects feature maps on {group.name}: the number of channels must be a multiple of "
            f"{group.order} (fields x group elements); got {channels}. Start the network with LiftingConv2D."
        )
    return channels // group.order


def warn_if_inexact(
    layer_name: str, input_shape: tuple[int | None, ...], kernel_size: int, strides: int, padding: str
) -> None:
    """Warns when the layer cannot be exactly equivariant on this grid."""
    for axis, length in (("height", input_shape[1]), ("width", input_shape[2])):
        if not is_exact(length, kernel_size, strides, padding):
            warnings.warn(
                f"Layer {layer_name!r} is not exactly equivariant on inputs of {axis} {length}: windows of size "
                f"{kernel_size} in steps of {strides} with {padding!r} padding do not sit symmetrically on it. "
                f"Choose a size for which (size + 2 * padding - {kernel_size}) is divisible by {strides}.",
                stacklevel=4,
            )


def turn(kernel: Any, element: int) -> Any:
    """T_element on the first two axes (rows, columns) of a kernel tensor; see `zoo.math.groups`."""
    if element < 4:
        return ops.rot90(kernel, element, axes=(0, 1)) if element else kernel
    quarter_turns = 7 - element
    mirrored = ops.swapaxes(kernel, 0, 1)
    return ops.rot90(mirrored, quarter_turns, axes=(0, 1)) if quarter_turns else mirrored


def lift_kernel(kernel: Any, group: Group) -> Any:
    """All orientations of planar filters: (k, k, Cin, C) -> (k, k, Cin, C * n), W[.., o, j] = T_j(w[.., o])."""
    k, _, inputs, fields = kernel.shape
    orbit = ops.stack([turn(kernel, j) for j in range(group.order)], axis=-1)
    return ops.reshape(orbit, (k, k, inputs, fields * group.order))


def expand_kernel(kernel: Any, group: Group) -> Any:
    """All orientations of group filters: (k, k, n, Cin, C) -> (k, k, Cin * n, C * n).

    W[o, j, i, h] = T_j(w[o, i, P_j[h]]), Cohen and Welling (2016), section 4.4, with P the table `Group.relative`.
    """
    k, _, order, inputs, fields = kernel.shape
    orbit = []
    for j in range(order):
        turned = turn(kernel, j)
        orbit.append(ops.stack([turned[:, :, h] for h in group.relative[j].tolist()], axis=3))
    return ops.reshape(ops.stack(orbit, axis=-1), (k, k, inputs * order, fields * order))


def he_normal(fan_in: int) -> initializers.Initializer:
    """Normal with variance 2 / fan_in, untruncated; the fan of a group kernel is n * Cin * k^2."""
    return initializers.RandomNormal(stddev=(2.0 / fan_in) ** 0.5)
