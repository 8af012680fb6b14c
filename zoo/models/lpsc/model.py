"""From an LPSC configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import initializers, layers

from zoo.layers import LogPolarConv2D
from zoo.models.blocks import Blocks, conv, drop_before_head, finish_maps, image_input, max_pool, norm
from zoo.models.initializers import he_fan_out, torch_bias, torch_default
from zoo.models.lpsc import deeplab, resnet
from zoo.models.lpsc.config import LPSCAlexNetConfig, LPSCDeepLabConfig, LPSCResNetConfig, LPSCVGGConfig

Config = LPSCAlexNetConfig | LPSCVGGConfig | LPSCResNetConfig | LPSCDeepLabConfig
VGG_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Convolutions of the five stages, by depth."""


STAGES = r"stem|stage\d+|conv\d+"
"""How the names of a stage's layers begin."""


def build(config: Config) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: an `LPSCAlexNetConfig`, `LPSCVGGConfig`, `LPSCResNetConfig` or `LPSCDeepLabConfig`.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, to logits (B, num_classes), of DeepLab
        (B, H, W, num_classes); to features if `include_head` is false.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit.

    Example:
        >>> build(LPSCResNetConfig(depth=20)).name
        'lpsc_resnet'
    """
    if isinstance(config, LPSCAlexNetConfig):
        return _build_alexnet(config)
    if isinstance(config, LPSCVGGConfig):
        return _build_vgg(config)
    if isinstance(config, LPSCResNetConfig):
        return resnet.build(config)
    if isinstance(config, LPSCDeepLabConfig):
        return deeplab.build(config)
    raise TypeError(
        "Expected an LPSCAlexNetConfig, LPSCVGGConfig, LPSCResNetConfig or LPSCDeepLabConfig; got "
        f"{type(config).__name__}."
    )


def _build_alexnet(config: LPSCAlexNetConfig) -> keras.Model:
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _alexnet_layer(config, x, 64, "conv1", plain=(11, 4), window=(11, 3, 8, 2), strides=4)
    x = max_pool(layers.ReLU(name="conv1_relu")(x), "conv1_pool")
    x = _alexnet_layer(config, x, 192, "conv2", plain=(5, 1), window=(9, 2, 6, 3), strides=1)
    x = max_pool(layers.ReLU(name="conv2_relu")(x), "conv2_pool")
    for index, filters in enumerate((384, 256, 256), start=3):
        x = layers.ReLU(name=f"conv{index}_relu")(_biased_conv(x, filters, 3, 1, f"conv{index}"))
    return finish_maps(config, inputs, max_pool(x, "conv5_pool"))


def _alexnet_layer(
    config: LPSCAlexNetConfig,
    x: Any,
    filters: int,
    name: str,
    *,
    plain: tuple[int, int],
    window: tuple[int, int, int, float],
    strides: int,
) -> Any:
    if not config.log_polar:
        return _biased_conv(x, filters, *plain, name)
    size, levels, angles, growth = window
    layer = LogPolarConv2D(
        filters,
        size,
        levels,
        angles,
        growth,
        strides=strides,
        pooling=config.pooling,
        center=config.center,
        center_bias=config.center,
        kernel_initializer=torch_default(),
        bias_initializer=torch_bias(levels * angles * x.shape[-1]),
        data_format="channels_last",
        name=name,
    )
    return layer(x)


def _biased_conv(x: Any, filters: int, kernel_size: int, strides: int, name: str) -> Any:
    """Convolution with bias between zeros on all sides, initialised as torch's."""
    x = layers.ZeroPadding2D(kernel_size // 2, data_format="channels_last", name=f"{name}_pad")(x)
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        kernel_initializer=torch_default(),
        bias_initializer=torch_bias(kernel_size**2 * x.shape[-1]),
        data_format="channels_last",
        name=name,
    )
    return convolution(x)


def _build_vgg(config: LPSCVGGConfig) -> keras.Model:
    if config.depth not in VGG_STAGES:
        raise ValueError(f"Expected a depth of {', '.join(map(str, VGG_STAGES))}; got {config.depth}.")
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    if config.log_polar:
        stem = LogPolarConv2D(
            config.width,
            5,
            2,
            6,
            3,
            center_bias=True,
            kernel_initializer=torch_default(),
            data_format="channels_last",
            name="stem",
        )
        x = Blocks().norm_relu(stem(x), "stem")
    blocks = Blocks(
        conv=partial(conv, use_bias=True, initializer=he_fan_out), norm=norm if config.norm else lambda x, _: x
    )
    for stage, depth in enumerate(VGG_STAGES[config.depth], start=1):
        width = config.width * min(2 ** (stage - 1), 8)
        x = max_pool(blocks.chain(x, (width,) * depth, f"conv{stage}_"), f"conv{stage}_pool")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    if config.include_head:
        x = drop_before_head(x, config.head_dropout)
        x = layers.Dense(config.num_classes, kernel_initializer=initializers.RandomNormal(stddev=0.01), name="head")(x)
    return keras.Model(inputs, x, name=config.name)
