"""From a configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from zoo.models import blocks
from zoo.models.synaptic.config import BottleneckConfig, DenseNetConfig, ResNetConfig, SynapticConfig, VGGConfig
from zoo.models.synaptic.parts import check_form, conv, conv_norm, conv_norm_relu, norm_relu


def build(config: SynapticConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: a `VGGConfig`, `ResNetConfig`, `DenseNetConfig` or `BottleneckConfig`.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, to logits (B, num_classes), or to features
        (B, channels) if `include_head` is false.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit.

    Example:
        >>> build(ResNetConfig(name="small", widths=(4, 8, 16), blocks=(1, 1, 1))).output_shape
        (None, 10)
    """
    if type(config) not in _BODIES:
        raise TypeError(f"Expected one of {[kind.__name__ for kind in _BODIES]}; got {type(config).__name__}.")
    check_form(config)
    inputs, x = blocks.image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _BODIES[type(config)](config, x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return blocks.classify(
        x, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head
    )


def _vgg(config: VGGConfig, x: Any) -> Any:
    if not config.widths or not all(isinstance(widths, (tuple, list)) and widths for widths in config.widths):
        raise ValueError(f"`widths` must be a tuple for each stage, as in ((8, 8), (16,)); got {config.widths!r}.")
    for stage, widths in enumerate(config.widths, start=1):
        if stage > 1:
            x = layers.MaxPooling2D(2, data_format="channels_last", name=f"stage{stage}_pool")(x)
        for index, width in enumerate(widths, start=1):
            x = conv_norm_relu(config, x, width, 3, f"stage{stage}_conv{index}")
    return x


def _resnet(config: ResNetConfig, x: Any) -> Any:
    blocks.check_stages(config.widths, config.blocks)
    x = conv_norm_relu(config, x, config.widths[0], 3, "stem")
    for stage, (width, count) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
        for block in range(1, count + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _basic_block(config, x, width, strides, f"stage{stage}_block{block}")
    return x


def _basic_block(config: ResNetConfig, x: Any, width: int, strides: int, name: str) -> Any:
    shortcut = x
    x = conv_norm_relu(config, x, width, 3, f"{name}_conv1", strides=strides)
    x = conv_norm(config, x, width, 3, f"{name}_conv2")
    if config.projection and (strides > 1 or shortcut.shape[-1] != width):
        shortcut = conv_norm(config, shortcut, width, 1, f"{name}_shortcut", strides=strides)
    elif strides > 1 or shortcut.shape[-1] != width:
        shortcut = blocks.subsample_shortcut(shortcut, width, f"{name}_shortcut", strides=strides)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


def _densenet(config: DenseNetConfig, x: Any) -> Any:
    """Normalization and ReLU stand before each convolution, and once more at the end."""
    x = conv(config, x, config.stem, 3, "stem")
    for stage, count in enumerate(config.layers, start=1):
        for index in range(1, count + 1):
            name = f"stage{stage}_conv{index}"
            new = conv(config, norm_relu(config, x, name), config.growth, 3, name)
            x = layers.Concatenate(name=f"stage{stage}_concat{index}")([x, new])
        if stage < len(config.layers):
            name = f"transition{stage}"
            x = conv(config, norm_relu(config, x, name), x.shape[-1], 1, name)
            x = layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
    return norm_relu(config, x, "final")


def _bottlenecks(config: BottleneckConfig, x: Any) -> Any:
    blocks.check_stages(config.widths, config.blocks)
    x = conv_norm_relu(config, x, config.widths[0], 7, "stem", strides=2)
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="stem_pool_pad")(x)  # harmless after a ReLU
    x = layers.MaxPooling2D(3, 2, data_format="channels_last", name="stem_pool")(x)
    for stage, (width, count) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
        for block in range(1, count + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            x = _bottleneck(config, x, width, strides, f"stage{stage}_block{block}")
    return x


def _bottleneck(config: BottleneckConfig, x: Any, width: int, strides: int, name: str) -> Any:
    shortcut = x
    x = conv_norm_relu(config, x, width, 1, f"{name}_conv1")
    x = conv_norm_relu(config, x, width, 3, f"{name}_conv2", strides=strides)
    x = conv_norm(config, x, 4 * width, 1, f"{name}_conv3")
    if shortcut.shape[-1] != 4 * width:
        shortcut = conv_norm(config, shortcut, 4 * width, 1, f"{name}_shortcut", strides=strides)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


_BODIES: dict[type, Any] = {
    VGGConfig: _vgg,
    ResNetConfig: _resnet,
    DenseNetConfig: _densenet,
    BottleneckConfig: _bottlenecks,
}
