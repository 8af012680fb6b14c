"""What the equivariant layers share: checks, and the expansion of one filter into its orbit under the group."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from keras import initializers, ops

from zoo.layers import _common, _group_history
from zoo.layers._channels_last import ChannelsLast
from zoo.math import Group, get_group, is_exact, output_size
from zoo.math.values import Tensor


class GroupLayer(ChannelsLast):
    """A layer on a group: it knows its group, and where its grid breaks the symmetry.

    Args:
        group: name of the group.
        **kwargs: those of `ChannelsLast`.
    """

    maps = ("group", "group")
    """Whether the layer takes and gives maps on the group or on the plane (`"plane"`)."""

    def __init__(self, group: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.group = get_group(group)

    def build_fields(self, input_shape: tuple[int | None, ...]) -> int:
        """Fixes the number of channels and gives that of the fields."""
        fields = count_fields(self.name, input_shape, self.group)
        self.fix_channels(fields * self.group.order)
        return fields

    def compute_output_spec(self, inputs: Tensor, *args: Any, **kwargs: Any) -> Any:
        """The symbolic output; a ValueError if the maker of the input is known to work on another group."""
        _group_history.check(self, inputs)
        return super().compute_output_spec(inputs, *args, **kwargs)


def count_fields(layer_name: str, input_shape: tuple[int | None, ...], group: Group) -> int:
    """Number of fields C of an input (B, H, W, C * n)."""
    channels = _common.channels_of(layer_name, input_shape)
    if channels % group.order:
        raise ValueError(
            f"Layer {layer_name!r} expects feature maps on {group.name}: the number of channels must be a multiple of "
            f"{group.order} (fields x group elements); got {channels}. Start the network with LiftingConv2D."
        )
    return channels // group.order


class Grid:
    """How the windows of a layer lie on maps: looked at in `build`, and in calls with other sizes.

    Args:
        layer: its name.
        kernel_size: side of the window.
        strides: step of the window.
        padding: `"same"` (symmetric zeros) or `"valid"`.
    """

    def __init__(self, layer: str, kernel_size: int, strides: int, padding: str) -> None:
        self.layer, self.kernel_size, self.strides, self.padding = layer, kernel_size, strides, padding
        self.seen: tuple[int | None, ...] = ()

    def check(self, shape: Any) -> None:
        """Looks at a size, unless it is that of the call before.

        Raises:
            ValueError: the maps are smaller than a window.

        Warns:
            UserWarning: the layer cannot be exactly equivariant on maps of this size.
        """
        sizes = tuple(size if isinstance(size, int) else None for size in shape[1:3])
        if sizes == self.seen:
            return
        self.seen = sizes
        k = self.kernel_size
        if any((output_size(size, k, self.strides, self.padding) or 0) < 1 for size in sizes if size is not None):
            raise ValueError(
                f"Layer {self.layer!r} has windows of {k} x {k} pixels with {self.padding!r} padding, which do not fit "
                f"into maps of {sizes[0]} x {sizes[1]}: give larger images or a smaller window."
            )
        for axis, length in zip(("height", "width"), sizes, strict=True):
            if not is_exact(length, k, self.strides, self.padding):
                warnings.warn(
                    f"Layer {self.layer!r} is not exactly equivariant on inputs of {axis} {length}: windows of size "
                    f"{k} in steps of {self.strides} with {self.padding!r} padding do not sit symmetrically on it. "
                    f"Choose a size for which (size + 2 * padding - {k}) is divisible by {self.strides}.",
                    stacklevel=4,
                )


def turn(kernel: Tensor, group: Group) -> Tensor:
    """T_j of a kernel (k, k, ...) for all elements j of a group, (k, k, n, ...); see `zoo.math.groups`."""
    return _gather(kernel, np.stack(_places(kernel.shape[0], group), axis=-1), planes=2)


def lift_kernel(kernel: Tensor, group: Group) -> Tensor:
    """All orientations of planar filters: (k, k, Cin, C) -> (k, k, Cin, C * n), W[.., o, j] = T_j(w[.., o])."""
    k, _, inputs, fields = kernel.shape
    orbit = ops.transpose(turn(kernel, group), (0, 1, 3, 4, 2))
    return ops.reshape(orbit, (k, k, inputs, fields * group.order))


def expand_kernel(kernel: Tensor, group: Group) -> Tensor:
    """All orientations of group filters: (k, k, n, Cin, C) -> (k, k, Cin * n, C * n).

    W[o, j, i, h] = T_j(w[o, i, P_j[h]]), Cohen and Welling (2016), section 4.4, with P the table `Group.relative`.
    """
    k, _, order, inputs, fields = kernel.shape
    places = [at[:, :, None] * order + group.relative[j] for j, at in enumerate(_places(k, group))]
    orbit = _gather(kernel, np.stack(places, axis=-1), planes=3)  # (k, k, h, j, Cin, C)
    orbit = ops.transpose(orbit, (0, 1, 4, 2, 5, 3))
    return ops.reshape(orbit, (k, k, inputs * order, fields * order))


def _places(size: int, group: Group) -> list[np.ndarray]:
    """For each element of a group which cell of a window, counted row by row, comes to each cell."""
    cells = np.arange(size * size).reshape(size, size)
    return [group.transform(cells, element) for element in range(group.order)]


def _gather(kernel: Tensor, places: np.ndarray, *, planes: int) -> Tensor:
    """Entries of the first axes of a kernel, `planes` of them taken as one: places.shape + the other axes.

    One operation with a constant index: turned one by one and stacked, the kernels of a network were most of its graph,
    which every compiler reads.
    """
    rest = kernel.shape[planes:]
    found = ops.take(ops.reshape(kernel, (-1, *rest)), places.reshape(-1), axis=0)
    return ops.reshape(found, (*places.shape, *rest))


def he_normal(fan_in: int) -> initializers.Initializer:
    """Normal with variance 2 / fan_in, untruncated; the fan of a group kernel is n * Cin * k^2."""
    return initializers.RandomNormal(stddev=(2.0 / fan_in) ** 0.5)
