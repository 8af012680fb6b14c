"""From the configuration of a backbone to a functional model."""

from __future__ import annotations

import keras

from zoo.models.backbones.config import EfficientNetLiteConfig
from zoo.models.blocks import finish_maps, image_input
from zoo.models.efficientnet import efficientnet_lite0
from zoo.models.pixels import EFFICIENTNET_LITE

STAGES = r"stem|stage\d+|features"
"""How the names of a stage's layers begin."""


def build(config: EfficientNetLiteConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: an `EfficientNetLiteConfig`.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, to logits (B, num_classes), or to the means of the
        last feature maps (B, 1280) if `include_head` is false.

    Raises:
        TypeError: for another configuration.

    Example:
        >>> build(EfficientNetLiteConfig(input_shape=(64, 64, 3), num_classes=5)).output_shape
        (None, 5)
    """
    if type(config) is not EfficientNetLiteConfig:
        raise TypeError(f"Expected an EfficientNetLiteConfig; got {type(config).__name__}.")
    channels = config.input_shape[-1]
    mean, std = (values[:1] * channels for values in EFFICIENTNET_LITE)  # the same for all
    inputs, x = image_input(config.input_shape, mean=mean, std=std)
    return finish_maps(config, inputs, efficientnet_lite0(x), head_dropout=config.dropout)
