"""DeepLab v3 and v3+ on MobileNetV2 with a log-polar branch."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.layers import LogPolarConv2D, Resize
from zoo.models.blocks import Blocks, conv, depthwise, image_input, norm
from zoo.models.lpsc.config import LPSCDeepLabConfig

# Expansion, channels, blocks, stride of the first block, dilation of the first block and of the others. The last two
# stages keep the size, a sixteenth of the image's, and dilate instead.
STAGES = (
    (1, 16, 1, 1, 1, 1),
    (6, 24, 2, 2, 1, 1),
    (6, 32, 3, 2, 1, 1),
    (6, 64, 4, 2, 1, 1),
    (6, 96, 3, 1, 1, 1),
    (6, 160, 3, 1, 1, 2),
    (6, 320, 1, 1, 2, 2),
)
WIDTH = 256

_BACKBONE = Blocks(norm=partial(norm, momentum=0.99), relu_max=6.0)
"""The backbone's statistics move ten times slower than the rest's: its weights are to be fine-tuned only."""

_REST = Blocks()


def build(config: LPSCDeepLabConfig) -> keras.Model:
    """Backbone, pyramid, for v3+ the decoder, and logits enlarged to the image's size."""
    height, width, _ = config.input_shape
    if height is None or width is None:
        raise ValueError(f"DeepLab enlarges to a known image size; got input_shape={config.input_shape}.")
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    fine, coarse = _backbone(x)
    x = _pyramid(config, coarse)
    if config.decoder:
        fine = _unit(fine, 48, 1, "decoder_fine")
        x = _resize(x, fine.shape[1:3], "decoder_upsample")
        x = layers.Concatenate(name="decoder_concat")([fine, x])
    x = _unit(x, WIDTH, 3, "decoder")
    if not config.include_head:
        return keras.Model(inputs, x, name=config.name)
    head = layers.Conv2D(
        config.num_classes, 1, kernel_initializer="lecun_normal", data_format="channels_last", name="head"
    )
    return keras.Model(inputs, _resize(head(x), (height, width), "upsample"), name=config.name)


def _backbone(x: Any) -> tuple[Any, Any]:
    """Features of a quarter and of a sixteenth of the image's size."""
    x = fine = _BACKBONE.conv_norm_relu(x, 32, 3, "stem", strides=2)
    for stage, (expansion, width, blocks, strides, first, others) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            x = _BACKBONE.inverted(
                x,
                width,
                f"stage{stage}_block{block}",
                inner=expansion * x.shape[-1] if expansion > 1 else None,
                strides=strides if block == 1 else 1,
                depthwise=partial(depthwise, dilation=first if block == 1 else others, initializer=_he_alone),
                project=partial(conv, initializer="lecun_normal"),
            )
        if stage == 2:
            fine = x
    return fine, x


def _he_alone() -> keras.initializers.Initializer:
    """He's of a channel alone, whose fan is its 9 values; Keras counts all channels."""
    return keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5)


def _pyramid(config: LPSCDeepLabConfig, x: Any) -> Any:
    """The same features at five ranges, the widest being the mean of the image."""
    branches = [
        _unit(x, WIDTH, 1, "pyramid1"),
        _unit(x, WIDTH, 3, "pyramid2", dilation=6),
        _unit(x, WIDTH, 3, "pyramid3", dilation=12),
        _log_polar(config, x) if config.log_polar else _unit(x, WIDTH, 3, "pyramid4", dilation=18),
    ]
    mean = layers.GlobalAveragePooling2D(keepdims=True, data_format="channels_last", name="pyramid5_mean")(x)
    branches.append(_resize(_unit(mean, WIDTH, 1, "pyramid5"), x.shape[1:3], "pyramid5_upsample"))
    x = layers.Concatenate(name="pyramid_concat")(branches)
    return layers.Dropout(config.dropout, name="pyramid_dropout")(_unit(x, WIDTH, 1, "pyramid"))


def _log_polar(config: LPSCDeepLabConfig, x: Any) -> Any:
    layer = LogPolarConv2D(
        WIDTH, config.kernel_size, 2, 8, 2, center=False, data_format="channels_last", name="pyramid4"
    )
    return _REST.norm_relu(layer(x), "pyramid4")


def _unit(x: Any, filters: int, kernel_size: int, name: str, *, dilation: int = 1) -> Any:
    return _REST.norm_relu(conv(x, filters, kernel_size, name, dilation_rate=dilation), name)


def _resize(x: Any, size: tuple[int, int], name: str) -> Any:
    return Resize(*size, data_format="channels_last", name=name)(x)
