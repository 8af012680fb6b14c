"""Residual networks with log-polar layers, for small images and for ImageNet's."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from zoo.layers import LogPolarConv2D
from zoo.models.blocks import classify, conv, conv_norm, image_input, norm_relu
from zoo.models.initializers import he_fan_out
from zoo.models.lpsc.config import LPSCResNetConfig

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of the four stages of the networks for ImageNet, by depth."""


def build(config: LPSCResNetConfig) -> keras.Model:
    """Stem, stages of residual blocks, mean over all positions, head."""
    _check(config)
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = norm_relu(_stem(config, x), "stem")
    if not config.small:  # zeros are no less than what a ReLU gives: they never win over the image
        x = layers.ZeroPadding2D(1, data_format="channels_last", name="stem_pool_pad")(x)
        x = layers.MaxPooling2D(3, 2, data_format="channels_last", name="stem_pool")(x)
    blocks = ((config.depth - 2) // 6,) * 3 if config.small else BLOCKS[config.depth]
    bottleneck = not config.small and config.depth >= 50
    for stage, count in enumerate(blocks, start=1):
        width = (16 if config.small else 64) * 2 ** (stage - 1)
        for index in range(1, count + 1):
            strides = 2 if stage > 1 and index == 1 else 1
            cross = config.share if config.log_polar == "cross" and stage == 1 else 0.0
            block = _bottleneck if bottleneck else _basic
            x = block(x, width, strides, cross, f"stage{stage}_block{index}")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return classify(x, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head)


def _check(config: LPSCResNetConfig) -> None:
    if config.log_polar not in (None, "stem", "cross"):
        raise ValueError(f'`log_polar` must be "stem", "cross" or None; got {config.log_polar!r}.')
    if config.small and (config.depth < 8 or config.depth % 6 != 2):
        raise ValueError(f"Expected a depth of 6 n + 2 (8, 14, 20, ...) for a small network; got {config.depth}.")
    if not config.small and config.depth not in BLOCKS:
        raise ValueError(f"Expected a depth of {', '.join(map(str, BLOCKS))}; got {config.depth}.")
    if not 0 < config.share < 1:
        raise ValueError(f"`share` must lie between 0 and 1; got {config.share}.")


def _stem(config: LPSCResNetConfig, x: Any) -> Any:
    width, kernel_size, strides = (16, 3, 1) if config.small else (64, 7, 2)
    window = (9, 2, 6, 3) if config.small else (9, 3, 8, 2)
    if config.log_polar is None:
        return conv(x, width, kernel_size, "stem", strides=strides, initializer=he_fan_out())
    if config.log_polar == "stem":
        return _log_polar(x, width, window, "stem", strides=strides, center_bias=True)
    window = (5, 2, 6, 3) if config.small else window
    return _cross(x, width, kernel_size, window, config.share, "stem", strides=strides, center_bias=True)


def _basic(x: Any, width: int, strides: int, cross: float, name: str) -> Any:
    """Two 3x3 convolutions beside the input, the first one log-polar in part."""
    shortcut = _shortcut(x, width, strides, name)
    x = norm_relu(_middle(x, width, strides, cross, f"{name}_conv1"), f"{name}_conv1")
    x = conv_norm(x, width, 3, f"{name}_conv2", initializer=he_fan_out())
    return _join(x, shortcut, name)


def _bottleneck(x: Any, width: int, strides: int, cross: float, name: str) -> Any:
    """1x1, 3x3 and 1x1 convolution beside the input, the middle one log-polar in part and with the stride."""
    shortcut = _shortcut(x, 4 * width, strides, name)
    x = norm_relu(conv(x, width, 1, f"{name}_conv1", initializer=he_fan_out()), f"{name}_conv1")
    x = norm_relu(_middle(x, width, strides, cross, f"{name}_conv2"), f"{name}_conv2")
    x = conv_norm(x, 4 * width, 1, f"{name}_conv3", initializer=he_fan_out())
    return _join(x, shortcut, name)


def _middle(x: Any, width: int, strides: int, cross: float, name: str) -> Any:
    if cross:
        return _cross(x, width, 3, (5, 2, 6, 3), cross, name, strides=strides)
    return conv(x, width, 3, name, strides=strides, initializer=he_fan_out())


def _shortcut(x: Any, width: int, strides: int, name: str) -> Any:
    if strides == 1 and x.shape[-1] == width:
        return x
    return conv_norm(x, width, 1, f"{name}_shortcut", strides=strides, initializer=he_fan_out())


def _join(x: Any, shortcut: Any, name: str) -> Any:
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _cross(
    x: Any, width: int, kernel_size: int, window: tuple[int, int, int, float], share: float, name: str, **options: Any
) -> Any:
    """Plain channels, then log-polar ones."""
    ours = round(width * share)
    if not 0 < ours < width:
        raise ValueError(f"`share` must leave channels of both kinds; got {share} of {width} channels.")
    strides = options["strides"]
    plain = conv(x, width - ours, kernel_size, f"{name}_plain", strides=strides, initializer=he_fan_out())
    return layers.Concatenate(name=f"{name}_cross")([plain, _log_polar(x, ours, window, f"{name}_lpsc", **options)])


def _log_polar(x: Any, filters: int, window: tuple[int, int, int, float], name: str, **options: Any) -> Any:
    return LogPolarConv2D(filters, *window, kernel_initializer=he_fan_out(), name=name, **options)(x)
