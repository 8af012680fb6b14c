"""Max pooling over blocks that do not overlap."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _common
from zoo.layers._channels_last import ChannelsLast
from zoo.layers._group import Grid
from zoo.math.values import Tensor, check_square


@keras.saving.register_keras_serializable(package="zoo")
class BlockMaxPooling2D(ChannelsLast):
    """Maximum over blocks of p x p pixels, the same numbers as `MaxPooling2D(p)` at a fraction of the training time.

        out[i, j, c] = max_{0 <= a, b < p} in[p i + a, p j + b, c]

    The maximum is taken pairwise over p^2 strided views: XLA compiles its gradient to a few selections, whereas that
    of a pooling window becomes a slow scatter on CPUs. Where several pixels tie for the maximum their gradient is
    shared. Rows and columns that do not fill a block are left out, as in Keras.

    Exactness: commutes with rotations and flips where height and width are divisible by p. Elsewhere building the
    layer warns.

    Args:
        pool_size: side p of a block.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, channels). Output shape: (B, H // p, W // p, channels).

    Raises:
        ValueError: `pool_size` that is not a positive integer, or an input smaller than a block.

    Example:
        >>> BlockMaxPooling2D(2)(keras.ops.ones((2, 28, 28, 64))).shape
        (2, 14, 14, 64)
    """

    keeps_group = True
    """Every channel is treated for itself."""

    def __init__(self, pool_size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_size = check_square("pool_size", pool_size)
        self._grid = Grid(self.name, self.pool_size, self.pool_size, "valid")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Warns about sizes on which pooling does not commute with rotations."""
        self.fix_channels(_common.channels_of(self.name, input_shape))
        self._grid.check(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        """Pools (B, H, W, channels) to (B, H // p, W // p, channels)."""
        self._grid.check(inputs.shape)
        p = self.pool_size
        height, width = (size // p * p for size in ops.shape(inputs)[1:3])
        outputs = inputs[:, 0:height:p, 0:width:p]
        for a in range(p):
            for b in range(p):
                if a or b:
                    outputs = ops.maximum(outputs, inputs[:, a:height:p, b:width:p])
        return outputs

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        height, width = (None if size is None else size // self.pool_size for size in input_shape[1:3])
        return (input_shape[0], height, width, input_shape[3])

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """No multiply-accumulates."""
        return 0

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "pool_size": self.pool_size}
