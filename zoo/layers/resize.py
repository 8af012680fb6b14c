"""Feature maps or images at another size."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _common
from zoo.layers._channels_last import ChannelsLast
from zoo.math.values import Tensor, check_whole


@keras.saving.register_keras_serializable(package="zoo")
class Resize(ChannelsLast):
    """Resizes maps bilinearly, the centres of the corner pixels half a pixel inside.

    `keras.layers.Resizing` does the same, but as an augmentation: in a model that is called without saying whether it
    trains, it tells all layers behind it that it does, and batch normalization then takes the statistics of the batch.

    Args:
        height: rows of the output.
        width: its columns.
        data_format: `"channels_last"`; None takes the one Keras is set to, and refuses another.

    Input shape: (B, H, W, C). Output shape: (B, height, width, C).

    Raises:
        ValueError: a size below 1.

    Example:
        >>> Resize(4, 6)(keras.ops.ones((2, 8, 8, 3))).shape
        (2, 4, 6, 3)
    """

    def __init__(self, height: int, width: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height, self.width = check_whole("height", height), check_whole("width", width)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Fixes the number of channels."""
        self.fix_channels(_common.channels_of(self.name, input_shape))

    def call(self, inputs: Tensor) -> Tensor:
        """Maps (B, H, W, C) to (B, height, width, C)."""
        size = (self.height, self.width)
        return ops.image.resize(inputs, size, interpolation="bilinear", data_format="channels_last")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return (input_shape[0], self.height, self.width, input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "height": self.height, "width": self.width}
