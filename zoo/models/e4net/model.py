"""From an E4-Net configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from zoo.layers import BlockMaxPooling2D, E4Conv2D, GBatchNormalization, GConv2D, GDropout, GroupPooling, LiftingConv2D
from zoo.models import blocks
from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config


def build(config: E4NetConfig | E4ResNet18Config) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: an `E4NetConfig` or `E4ResNet18Config`.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, to logits (B, num_classes), or to invariant
        features (B, fields) if `include_head` is false.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit, from the layer that rejects them.

    Example:
        >>> build(E4NetConfig()).count_params()
        18342
    """
    if isinstance(config, E4NetConfig):
        return _build_digits(config)
    if isinstance(config, E4ResNet18Config):
        return _build_resnet(config)
    raise TypeError(f"Expected an E4NetConfig or E4ResNet18Config; got {type(config).__name__}.")


def _build_digits(config: E4NetConfig) -> keras.Model:
    group = config.group
    inputs = keras.Input(config.input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(inputs)
    x = LiftingConv2D(config.width, 3, group=group, name="conv1")(x)
    x = _norm_relu(x, group, "conv1")
    for index in range(2, 8):
        name = f"conv{index}"
        x = _group_layer(config, config.width, config.slices, name)(x)
        x = _norm_relu(x, group, name)
        if index > 2:
            x = GDropout(config.dropout, group, spatial=config.spatial_dropout, name=f"{name}_dropout")(x)
        if index in (2, 4):
            x = BlockMaxPooling2D(2, name=f"{name}_pool")(x)
    x = GroupPooling(group, name="group_pool")(x)
    x = layers.GlobalMaxPooling2D(data_format="channels_last", name="global_pool")(x)
    return _classify(config, inputs, x)


def _build_resnet(config: E4ResNet18Config) -> keras.Model:
    inputs, x = blocks.image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(config, x)
    x = _norm_relu(x, config.group, "stem")
    for stage, (width, depth) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
        for block in range(1, depth + 1):
            downsample = stage > 1 and block == 1
            x = _residual_block(config, x, width, downsample, f"stage{stage}_block{block}")
    if config.group:
        x = GroupPooling(config.group, name="group_pool")(x)
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return _classify(config, inputs, x)


def _residual_block(config: E4ResNet18Config, x: Any, width: int, downsample: bool, name: str) -> Any:
    """3x3 layer, dropout, norm, ReLU, second layer, norm; plus the input, projected where its shape changes."""
    shortcut, order = x, _order(config.group)
    x = _conv(config, x, width, 3, downsample, f"{name}_conv1")
    x = _dropout(config, f"{name}_dropout")(x)
    x = _norm_relu(x, config.group, f"{name}_conv1")
    x = _second_layer(config, x, width, f"{name}_conv2")
    x = _norm(config.group, f"{name}_conv2")(x)
    if downsample or shortcut.shape[-1] != width * order:
        shortcut = _conv(config, shortcut, width, 1, downsample, f"{name}_shortcut")
        shortcut = _norm(config.group, f"{name}_shortcut")(shortcut)
    x = layers.Add(name=f"{name}_add")([x, shortcut])
    return layers.ReLU(name=f"{name}_relu")(x)


def _order(group: str | None) -> int:
    return {None: 1, "p4": 4, "p4m": 8}[group]


def _stem(config: E4ResNet18Config, x: Any) -> Any:
    if config.group is None:
        return blocks.conv(x, config.widths[0], 3, "stem")
    return LiftingConv2D(config.widths[0], 3, group=config.group, name="stem")(x)


def _conv(config: E4ResNet18Config, x: Any, width: int, kernel_size: int, downsample: bool, name: str) -> Any:
    if config.group is None:
        return blocks.conv(x, width, kernel_size, name, strides=2 if downsample else 1)
    x = GConv2D(width, kernel_size, group=config.group, name=name)(x)
    # Group networks halve even sizes by pooling: strided windows would not sit symmetrically on them.
    return BlockMaxPooling2D(2, name=f"{name}_pool")(x) if downsample else x


def _second_layer(config: E4ResNet18Config, x: Any, width: int, name: str) -> Any:
    if config.group is None:
        return blocks.conv(x, width, 3, name)
    if config.layer == "gconv":
        return GConv2D(width, 3, group=config.group, name=name)(x)
    slices = width // config.slices_divisor
    return E4Conv2D(width, 3, slices=slices, reduction=config.reduction, group=config.group, name=name)(x)


def _group_layer(config: E4NetConfig, width: int, slices: int, name: str) -> keras.Layer:
    if config.layer == "gconv":
        return GConv2D(width, config.kernel_size, group=config.group, name=name)
    return E4Conv2D(width, config.kernel_size, slices=slices, reduction=config.reduction, group=config.group, name=name)


def _dropout(config: E4ResNet18Config, name: str) -> keras.Layer:
    if config.group is None:
        return layers.Dropout(config.dropout, name=name)
    return GDropout(config.dropout, config.group, name=name)


def _norm(group: str | None, name: str) -> keras.Layer:
    if group is None:
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")
    return GBatchNormalization(group, name=f"{name}_norm")


def _norm_relu(x: Any, group: str | None, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(_norm(group, name)(x))


def _classify(config: E4NetConfig | E4ResNet18Config, inputs: Any, features: Any) -> keras.Model:
    return blocks.classify(
        features, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head
    )
