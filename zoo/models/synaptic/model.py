"""From a configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.models.blocks import Blocks, check_stages, finish_maps, image_input, max_pool, stack, subsample_shortcut
from zoo.models.synaptic.config import BottleneckConfig, DenseNetConfig, ResNetConfig, SynapticConfig, VGGConfig
from zoo.models.synaptic.parts import blocks_of, check_form

STAGES = r"stem|stage\d+|final"
"""How the names of a stage's layers begin."""


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
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    return finish_maps(config, inputs, _BODIES[type(config)](config, blocks_of(config), x))


def _vgg(config: VGGConfig, blocks: Blocks, x: Any) -> Any:
    if not config.widths or not all(isinstance(widths, (tuple, list)) and widths for widths in config.widths):
        raise ValueError(f"Expected `widths` as a tuple for each stage, as ((8, 8), (16,)); got {config.widths!r}.")
    for stage, widths in enumerate(config.widths, start=1):
        if stage > 1:
            x = max_pool(x, f"stage{stage}_pool")
        x = blocks.chain(x, widths, f"stage{stage}_conv")
    return x


def _resnet(config: ResNetConfig, blocks: Blocks, x: Any) -> Any:
    check_stages(config.widths, config.blocks)
    x = blocks.conv_norm_relu(x, config.widths[0], 3, "stem")
    shortcut = None if config.projection else subsample_shortcut
    return stack(x, partial(blocks.basic, shortcut=shortcut), config.widths, config.blocks)


def _densenet(config: DenseNetConfig, blocks: Blocks, x: Any) -> Any:
    """Normalization and ReLU stand before each convolution, and once more at the end."""
    x = blocks.conv(x, config.stem, 3, "stem")
    for stage, count in enumerate(config.layers, start=1):
        for index in range(1, count + 1):
            name = f"stage{stage}_conv{index}"
            new = blocks.conv(blocks.norm_relu(x, name), config.growth, 3, name)
            x = layers.Concatenate(name=f"stage{stage}_concat{index}")([x, new])
        if stage < len(config.layers):
            name = f"transition{stage}"
            x = blocks.conv(blocks.norm_relu(x, name), x.shape[-1], 1, name)
            x = layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
    return blocks.norm_relu(x, "final")


def _bottlenecks(config: BottleneckConfig, blocks: Blocks, x: Any) -> Any:
    check_stages(config.widths, config.blocks)
    x = blocks.conv_norm_relu(x, config.widths[0], 7, "stem", strides=2)
    return stack(max_pool(x, "stem_pool", 3), blocks.bottleneck, config.widths, config.blocks)


_BODIES: dict[type, Any] = {
    VGGConfig: _vgg,
    ResNetConfig: _resnet,
    DenseNetConfig: _densenet,
    BottleneckConfig: _bottlenecks,
}
