"""From a scene configuration to a functional model: pixels, convolutions, global average pooling, a dense layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from zoo.models.blocks import classify, conv, conv_norm, conv_norm_relu, image_input, norm_relu
from zoo.models.scene.config import SceneChainConfig, SceneConfig, SceneDenseNetConfig, SceneResNetConfig


def build(config: SceneConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: a `SceneResNetConfig`, `SceneChainConfig` or `SceneDenseNetConfig`.

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
    }
    if type(config) not in bodies:
        raise TypeError(f"Expected the configuration of a scene network; got {type(config).__name__}.")
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = bodies[type(config)](config, x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return classify(x, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head)


def _pool(x: Any, size: int, name: str) -> Any:
    """Halves the sides; windows of 3 take one row of zeros around, which no maximum after a ReLU sees."""
    if size % 2:
        x = layers.ZeroPadding2D(size // 2, data_format="channels_last", name=f"{name}_pad")(x)
    return layers.MaxPooling2D(size, 2, data_format="channels_last", name=name)(x)


def _resnet(config: SceneResNetConfig, x: Any) -> Any:
    x = conv_norm_relu(x, config.widths[0], 7, "stem", strides=2)
    x = _pool(x, 3, "stem_pool")
    block = _bottleneck if config.bottleneck else _basic
    for stage, (width, count, strides) in enumerate(
        zip(config.widths, config.blocks, config.strides, strict=True), start=1
    ):
        for index in range(1, count + 1):
            x = block(x, width, strides if index == 1 else 1, f"stage{stage}_block{index}")
    return x


def _basic(x: Any, width: int, strides: int, name: str) -> Any:
    shortcut = _shortcut(x, width, strides, name)
    x = conv_norm_relu(x, width, 3, f"{name}_conv1", strides=strides)
    x = conv_norm(x, width, 3, f"{name}_conv2")
    return _add(x, shortcut, name)


def _bottleneck(x: Any, width: int, strides: int, name: str) -> Any:
    """The stride sits in the 3x3 layer."""
    shortcut = _shortcut(x, 4 * width, strides, name)
    x = conv_norm_relu(x, width, 1, f"{name}_conv1")
    x = conv_norm_relu(x, width, 3, f"{name}_conv2", strides=strides)
    x = conv_norm(x, 4 * width, 1, f"{name}_conv3")
    return _add(x, shortcut, name)


def _shortcut(x: Any, filters: int, strides: int, name: str) -> Any:
    """The input, projected where its shape changes."""
    if strides == 1 and x.shape[-1] == filters:
        return x
    return conv_norm(x, filters, 1, f"{name}_shortcut", strides=strides)


def _add(x: Any, shortcut: Any, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _chain(config: SceneChainConfig, x: Any) -> Any:
    if config.stem is not None:
        filters, kernel_size, strides = config.stem
        x = conv_norm_relu(x, filters, kernel_size, "stem", strides=strides)
        x = _pool(x, config.pool_size, "stem_pool")
    for group, (widths, kernel_size) in enumerate(zip(config.layers, config.kernel_sizes, strict=True), start=1):
        if group > 1:
            x = _pool(x, config.pool_size, f"group{group - 1}_pool")
        for index, width in enumerate(widths, start=1):
            x = conv_norm_relu(x, width, kernel_size, f"group{group}_conv{index}")
    return conv_norm_relu(x, config.features, 3, "features")


def _densenet(config: SceneDenseNetConfig, x: Any) -> Any:
    x = conv_norm_relu(x, config.stem, 7, "stem", strides=2)
    x = _pool(x, 3, "stem_pool")
    for block, count in enumerate(config.blocks, start=1):
        if block > 1:
            name = f"transition{block - 1}"
            x = conv(norm_relu(x, f"{name}_input"), x.shape[-1] // 2, 1, name)
            x = layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
        for index in range(1, count + 1):
            x = _dense_layer(x, config.growth, f"block{block}_layer{index}")
    return norm_relu(x, "features")


def _dense_layer(x: Any, growth: int, name: str) -> Any:
    """Norm, ReLU, 1x1, norm, ReLU, 3x3; its channels are appended to the input's."""
    new = conv(norm_relu(x, f"{name}_input"), 4 * growth, 1, f"{name}_conv1")
    new = conv(norm_relu(new, f"{name}_conv1"), growth, 3, f"{name}_conv2")
    return layers.Concatenate(axis=-1, name=f"{name}_append")([x, new])
