"""What all layers of images and feature maps have in common: (B, H, W, channels), and no other order."""

from __future__ import annotations

from typing import Any

import keras


class ChannelsLast(keras.layers.Layer):
    """A layer that takes (B, H, W, channels) only, and says so where Keras is set to another order.

    Args:
        data_format: `"channels_last"`; None takes the one Keras is set to.
        **kwargs: those of a Keras layer.

    Raises:
        ValueError: it is, or Keras is set to, `"channels_first"`.
    """

    def __init__(self, *, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        found = keras.config.image_data_format() if data_format is None else data_format
        if found != "channels_last":
            advice = (
                'Pass data_format="channels_last" and maps (batch, height, width, channels), or put '
                "keras.layers.Permute((2, 3, 1)) before the layer and Permute((3, 1, 2)) behind it."
            )
            source = "keras.config.image_data_format() is" if data_format is None else "got"
            raise ValueError(
                f'Expected data_format="channels_last" for {type(self).__name__} {self.name!r}, which has no other; '
                f"{source} {found!r}. {advice}"
            )
        self.data_format = found

    def fix_channels(self, channels: int) -> None:
        """Lets Keras refuse inputs of another rank or number of channels than those that the layer is built for."""
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={-1: channels})

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "data_format": self.data_format}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a configuration; one without `data_format` was written when there was no choice."""
        return super().from_config({"data_format": "channels_last", **config})
