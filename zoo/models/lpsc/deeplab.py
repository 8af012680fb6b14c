"""DeepLab v3 and v3+ on MobileNetV2 with a log-polar branch."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from zoo.layers import LogPolarConv2D
from zoo.models.blocks import conv, image_input, norm_relu
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
    x = _relu6(_norm(_conv3(x, "stem", strides=2, filters=32), "stem"), "stem")
    fine = x
    for stage, (expansion, width, blocks, strides, first, others) in enumerate(STAGES, start=1):
        for block in range(1, blocks + 1):
            step, dilation = (strides, first) if block == 1 else (1, others)
            x = _inverted_residual(x, expansion, width, step, dilation, f"stage{stage}_block{block}")
        if stage == 2:
            fine = x
    return fine, x


def _inverted_residual(x: Any, expansion: int, width: int, strides: int, dilation: int, name: str) -> Any:
    """1x1 to more channels, 3x3 a channel, 1x1 to fewer without activation; plus the input where shapes agree."""
    shortcut = x
    if expansion > 1:
        x = conv(x, x.shape[-1] * expansion, 1, f"{name}_expand")
        x = _relu6(_norm(x, f"{name}_expand"), f"{name}_expand")
    x = _conv3(x, f"{name}_depthwise", strides=strides, dilation=dilation)
    x = _relu6(_norm(x, f"{name}_depthwise"), f"{name}_depthwise")
    x = _norm(conv(x, width, 1, f"{name}_project", initializer="lecun_normal"), f"{name}_project")
    if strides == 1 and shortcut.shape[-1] == width:
        return layers.Add(name=f"{name}_add")([x, shortcut])
    return x


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
    layer = LogPolarConv2D(WIDTH, config.kernel_size, 2, 8, 2, center=False, name="pyramid4")
    return norm_relu(layer(x), "pyramid4")


def _unit(x: Any, filters: int, kernel_size: int, name: str, *, dilation: int = 1) -> Any:
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        padding="same",
        dilation_rate=dilation,
        use_bias=False,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name=name,
    )
    return norm_relu(convolution(x), name)


def _conv3(x: Any, name: str, *, strides: int = 1, dilation: int = 1, filters: int | None = None) -> Any:
    """A 3x3 convolution, of each channel alone where no number of filters is given, with zeros on all sides."""
    options = {"use_bias": False, "data_format": "channels_last", "name": name}
    x = layers.ZeroPadding2D(dilation, data_format="channels_last", name=f"{name}_pad")(x)
    if filters:
        return layers.Conv2D(filters, 3, strides, kernel_initializer="he_normal", **options)(x)
    # The fan of a channel alone: 9 values; Keras counts all channels.
    start = keras.initializers.RandomNormal(stddev=(2 / 9) ** 0.5)
    return layers.DepthwiseConv2D(3, strides, dilation_rate=dilation, depthwise_initializer=start, **options)(x)


def _norm(x: Any, name: str) -> Any:
    """The backbone's statistics move ten times slower than the rest's: its weights are to be fine-tuned only."""
    return layers.BatchNormalization(momentum=0.99, epsilon=1e-5, name=f"{name}_norm")(x)


def _relu6(x: Any, name: str) -> Any:
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _resize(x: Any, size: tuple[int, int], name: str) -> Any:
    return layers.Resizing(*size, interpolation="bilinear", data_format="channels_last", name=name)(x)
