"""From a scene configuration to a functional model: pixels, convolutions, global average pooling, a dense layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from zoo.layers import Resize
from zoo.models.blocks import Blocks, conv, finish_maps, image_input, max_pool, stack
from zoo.models.efficientnet import efficientnet_lite0
from zoo.models.scene.config import (
    SceneChainConfig,
    SceneConfig,
    SceneDenseNetConfig,
    SceneLiteConfig,
    SceneResNetConfig,
)

STAGES = r"stem|(?:stage|group|block)\d+|features"
"""How the names of a stage's layers begin."""

_BLOCKS = Blocks()


def build(config: SceneConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: a `SceneResNetConfig`, `SceneChainConfig`, `SceneDenseNetConfig` or `SceneLiteConfig`.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, of any size, to logits (B, num_classes), or to the
        means of the last feature maps if `include_head` is false.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit.

    Example:
        >>> config = SceneResNetConfig(widths=(4, 4, 8, 8), num_classes=5)
        >>> build(config).output_shape
        (None, 5)
    """
    bodies: dict[type, Callable[..., Any]] = {
        SceneResNetConfig: _resnet,
        SceneChainConfig: _chain,
        SceneDenseNetConfig: _densenet,
        SceneLiteConfig: _lite,
    }
    if type(config) not in bodies:
        raise TypeError(f"Expected the configuration of a scene network; got {type(config).__name__}.")
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    model = finish_maps(config, inputs, bodies[type(config)](config, x))
    if getattr(config, "frozen", False):
        for layer in model.layers:
            layer.trainable = layer.name in _LEARNING
    return model


_LEARNING = ("features", "features_norm", "head")
"""Layers that a frozen network trains."""


def _resnet(config: SceneResNetConfig, x: Any) -> Any:
    x = _BLOCKS.conv_norm_relu(x, config.widths[0], 7, "stem", strides=2)
    x = max_pool(x, "stem_pool", 3)
    block = _BLOCKS.bottleneck if config.bottleneck else _BLOCKS.basic
    return stack(x, block, config.widths, config.blocks, config.strides)


def _chain(config: SceneChainConfig, x: Any) -> Any:
    if config.stem is not None:
        filters, kernel_size, strides = config.stem
        x = _BLOCKS.conv_norm_relu(x, filters, kernel_size, "stem", strides=strides)
        x = max_pool(x, "stem_pool", config.pool_size)
    for group, (widths, kernel_size) in enumerate(zip(config.layers, config.kernel_sizes, strict=True), start=1):
        if group > 1:
            x = max_pool(x, f"group{group - 1}_pool", config.pool_size)
        x = _BLOCKS.chain(x, widths, f"group{group}_conv", kernel_size)
    return _BLOCKS.conv_norm_relu(x, config.features, 3, "features")


def _densenet(config: SceneDenseNetConfig, x: Any) -> Any:
    x = _BLOCKS.conv_norm_relu(x, config.stem, 7, "stem", strides=2)
    x = max_pool(x, "stem_pool", 3)
    for block, count in enumerate(config.blocks, start=1):
        if block > 1:
            name = f"transition{block - 1}"
            x = conv(_BLOCKS.norm_relu(x, f"{name}_input"), x.shape[-1] // 2, 1, name)
            x = layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
        for index in range(1, count + 1):
            x = _BLOCKS.dense(x, config.growth, f"block{block}_layer{index}")
    return _BLOCKS.norm_relu(x, "features")


def _lite(config: SceneLiteConfig, x: Any) -> Any:
    """Grey pictures become colour ones of three equal channels; all are resized bilinearly."""
    if x.shape[-1] == 1:
        x = layers.Concatenate(axis=-1, name="colour")([x, x, x])
    x = Resize(config.size, config.size, data_format="channels_last", name="resize")(x)
    return efficientnet_lite0(x)
