"""Pooling over the group: from a feature map on the group to one on the plane."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _common, _group
from zoo.layers._group import GroupLayer
from zoo.math.values import Tensor, check_choice


@keras.saving.register_keras_serializable(package="zoo")
class GroupPooling(GroupLayer):
    """Takes the maximum or the mean of the n orientations of every field.

        out[x, c] = max_g in[x, c, g]    or    out[x, c] = mean_g in[x, c, g]

    Turning the input turns the output and changes nothing else, so that global spatial pooling after it gives
    invariant features.

    Args:
        group: `"p4"` (n = 4) or `"p4m"` (n = 8).
        mode: `"max"` or `"mean"`.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, C * n), channel index = field * n + element. Output shape: (B, H, W, C).

    Raises:
        ValueError: unknown group or mode, channels that are no multiple of n.

    Example:
        >>> GroupPooling("p4")(keras.ops.ones((2, 7, 7, 64))).shape
        (2, 7, 7, 16)

    Source: Cohen and Welling, Group Equivariant Convolutional Networks, ICML 2016, section 6.3.
    """

    maps = ("group", "plane")

    def __init__(self, group: str = "p4", *, mode: str = "max", **kwargs: Any) -> None:
        super().__init__(group, **kwargs)
        self.mode = check_choice("mode", mode, ("max", "mean"))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Checks that the channels are whole fields."""
        self.build_fields(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """Maps feature maps (B, H, W, C * n) to (B, H, W, C)."""
        order, reduce = self.group.order, ops.maximum if self.mode == "max" else ops.add
        values = inputs if self.mode == "max" else _common.widened(inputs)
        fields = ops.reshape(values, (*ops.shape(inputs)[:-1], inputs.shape[-1] // order, order))
        outputs = fields[..., 0]
        for element in range(1, order):
            outputs = reduce(outputs, fields[..., element])
        return outputs if self.mode == "max" else ops.cast(outputs / order, inputs.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return (*input_shape[:-1], _group.count_fields(self.name, input_shape, self.group))

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """No multiply-accumulates."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "group": self.group.name, "mode": self.mode}
