"""From an E4-Net configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.layers import BlockMaxPooling2D, E4Conv2D, GBatchNormalization, GConv2D, GDropout, GroupPooling, LiftingConv2D
from zoo.math.groups import get_group
from zoo.models.blocks import Blocks, conv, finish, finish_maps, image_input, stack
from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config

LAST: dict[str, Any] = {"data_format": "channels_last"}
"""What keeps a layer as it is, whatever Keras is set to."""


STAGES = r"stem|stage\d+|conv\d+"
"""How the names of a stage's layers begin."""


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
    group, blocks = config.group, _blocks(config.group)
    inputs = keras.Input(config.input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="rescale")(inputs)
    x = LiftingConv2D(config.width, 3, group=group, **LAST, name="conv1")(x)
    x = blocks.norm_relu(x, "conv1")
    for index in range(2, 8):
        name = f"conv{index}"
        x = blocks.norm_relu(_digits_layer(config, name)(x), name)
        if index > 2:
            x = GDropout(config.dropout, group, spatial=config.spatial_dropout, **LAST, name=f"{name}_dropout")(x)
        if index in (2, 4):
            x = BlockMaxPooling2D(2, **LAST, name=f"{name}_pool")(x)
    x = GroupPooling(group, **LAST, name="group_pool")(x)
    x = layers.GlobalMaxPooling2D(data_format="channels_last", name="global_pool")(x)
    return finish(config, inputs, x)


def _digits_layer(config: E4NetConfig, name: str) -> keras.Layer:
    if config.layer == "gconv":
        return GConv2D(config.width, config.kernel_size, group=config.group, **LAST, name=name)
    return E4Conv2D(
        config.width,
        config.kernel_size,
        slices=config.slices,
        reduction=config.reduction,
        group=config.group,
        **LAST,
        name=name,
    )


def _build_resnet(config: E4ResNet18Config) -> keras.Model:
    blocks = _blocks(config.group)
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = blocks.norm_relu(_stem(config, x), "stem")

    def block(x: Any, width: int, name: str, *, strides: int) -> Any:
        """A basic block with dropout behind the first layer."""

        def first(x: Any, *arguments: Any, **options: Any) -> Any:
            return _dropout(config, f"{name}_dropout")(blocks.conv(x, *arguments, **options))

        second = partial(_e4_conv, config, config.group) if config.group and config.layer != "gconv" else None
        return blocks.basic(x, width, name, strides=strides, first=first, second=second)

    x = stack(x, block, config.widths, config.blocks)
    if config.group:
        x = GroupPooling(config.group, **LAST, name="group_pool")(x)
    return finish_maps(config, inputs, x)


def _blocks(group: str | None) -> Blocks:
    """Plain blocks, or those of a group."""
    if group is None:
        return Blocks()
    return Blocks(conv=partial(_group_conv, group), norm=partial(_group_norm, group), order=get_group(group).order)


def _stem(config: E4ResNet18Config, x: Any) -> Any:
    if config.group is None:
        return conv(x, config.widths[0], 3, "stem")
    return LiftingConv2D(config.widths[0], 3, group=config.group, **LAST, name="stem")(x)


def _group_conv(group: str, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
    x = GConv2D(filters, kernel_size, group=group, **LAST, name=name)(x)
    # Group networks halve even sizes by pooling: strided windows would not sit symmetrically on them.
    return BlockMaxPooling2D(2, **LAST, name=f"{name}_pool")(x) if strides > 1 else x


def _e4_conv(
    config: E4ResNet18Config, group: str, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1
) -> Any:
    """An E4 layer, whose stride is 1 wherever one stands."""
    slices = filters // config.slices_divisor
    layer = E4Conv2D(filters, kernel_size, slices=slices, reduction=config.reduction, group=group, **LAST, name=name)
    return layer(x)


def _group_norm(group: str, x: Any, name: str) -> Any:
    return GBatchNormalization(group, **LAST, name=f"{name}_norm")(x)


def _dropout(config: E4ResNet18Config, name: str) -> keras.Layer:
    if config.group is None:
        return layers.Dropout(config.dropout, name=name)
    return GDropout(config.dropout, config.group, **LAST, name=name)
