"""Residual networks with log-polar layers, for small images and for ImageNet's."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.layers import LogPolarConv2D
from zoo.math.values import check_choice, check_number, check_whole
from zoo.models.blocks import Blocks, conv, finish_maps, image_input, max_pool, stack
from zoo.models.initializers import he_fan_out
from zoo.models.lpsc.config import LPSCResNetConfig

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Blocks of the four stages of the networks for ImageNet, by depth."""

_BLOCKS = Blocks(conv=partial(conv, initializer=he_fan_out))


def build(config: LPSCResNetConfig) -> keras.Model:
    """Stem, stages of residual blocks, mean over all positions, head."""
    _check(config)
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _BLOCKS.norm_relu(_stem(config, x), "stem")
    if not config.small:
        x = max_pool(x, "stem_pool", 3)
    depths = ((config.depth - 2) // 6,) * 3 if config.small else DEPTHS[config.depth]
    widths = tuple(_width(config) << stage for stage in range(len(depths)))
    cross = partial(_cross, window=(5, 2, 6, 3), share=config.share)

    def block(x: Any, width: int, name: str, *, strides: int) -> Any:
        """The first 3x3 convolution is log-polar in part, in blocks of the first stage's width."""
        middle = cross if config.log_polar == "cross" and width == widths[0] else None
        if config.small or config.depth < 50:
            return _BLOCKS.basic(x, width, name, strides=strides, first=middle)
        return _BLOCKS.bottleneck(x, width, name, strides=strides, second=middle)

    return finish_maps(config, inputs, stack(x, block, widths, depths))


def _check(config: LPSCResNetConfig) -> None:
    check_choice("log_polar", config.log_polar, ("stem", "cross", None))
    if config.small and (config.depth < 8 or config.depth % 6 != 2):
        raise ValueError(f"Expected a depth of 6 n + 2 (8, 14, 20, ...) for a small network; got {config.depth}.")
    if not config.small and config.depth not in DEPTHS:
        raise ValueError(f"Expected a depth of {', '.join(map(str, DEPTHS))}; got {config.depth}.")
    check_number("share", config.share, above=0, below=1)
    if config.width is not None:
        check_whole("width", config.width)


def _width(config: LPSCResNetConfig) -> int:
    """Channels of the first stage."""
    return config.width or (16 if config.small else 64)


def _stem(config: LPSCResNetConfig, x: Any) -> Any:
    width = _width(config)
    kernel_size, strides = (3, 1) if config.small else (7, 2)
    window = (9, 2, 6, 3) if config.small else (9, 3, 8, 2)
    if config.log_polar is None:
        return _BLOCKS.conv(x, width, kernel_size, "stem", strides=strides)
    if config.log_polar == "stem":
        return _log_polar(x, width, window, "stem", strides=strides, center_bias=True)
    window = (5, 2, 6, 3) if config.small else window
    return _cross(x, width, kernel_size, "stem", window=window, share=config.share, strides=strides, center_bias=True)


def _cross(
    x: Any,
    width: int,
    kernel_size: int,
    name: str,
    *,
    window: tuple[int, int, int, float],
    share: float,
    strides: int = 1,
    **options: Any,
) -> Any:
    """Plain channels, then log-polar ones."""
    ours = round(width * share)
    if not 0 < ours < width:
        raise ValueError(f"Expected `share` to leave channels of both kinds; got {share} of {width} channels.")
    plain = _BLOCKS.conv(x, width - ours, kernel_size, f"{name}_plain", strides=strides)
    log_polar = _log_polar(x, ours, window, f"{name}_lpsc", strides=strides, **options)
    return layers.Concatenate(name=f"{name}_cross")([plain, log_polar])


def _log_polar(x: Any, filters: int, window: tuple[int, int, int, float], name: str, **options: Any) -> Any:
    options |= {"kernel_initializer": he_fan_out(), "data_format": "channels_last"}
    return LogPolarConv2D(filters, *window, name=name, **options)(x)
