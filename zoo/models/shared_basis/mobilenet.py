"""MobileNetV2 with shared 1x1 layers."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.models.blocks import Blocks, Convolution, conv, depthwise, finish_maps, image_input
from zoo.models.initializers import torch_default
from zoo.models.shared_basis.config import SharedMobileNetV2Config
from zoo.models.shared_basis.sharing import Sharing

_EXPANSION = 6
_STAGES = ((24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
"""Channels, blocks and stride of the stages from the second on."""
_LAST_HALVED = 160
"""The stage of so many channels keeps the size of small images."""
_SHARED = tuple(width for width, blocks_, _ in _STAGES if width >= 32 and blocks_ > 1)
"""Channels of the stages that share."""
_PARTS = {"expand": lambda width: _EXPANSION * width, "project": lambda width: width}
"""The 1x1 layers of a block and their numbers of filters."""
_BLOCKS = Blocks(conv=partial(conv, initializer=torch_default))
_EDGES = Blocks(conv=partial(conv, use_bias=True, initializer=torch_default), relu_max=6)
"""First and last layer."""
_depthwise = partial(depthwise, initializer=lambda: keras.initializers.RandomUniform(-1 / 3, 1 / 3))
"""Begins within 1 / sqrt(weights of a filter)."""


def build_mobilenet(config: SharedMobileNetV2Config) -> keras.Model:
    """A MobileNetV2 in the authors' form: biases in the first and last layer, ReLU6 only there."""
    _check(config)
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = _stem(config, x)
    x = block(config, x, 16, "stage1_block1", expansion=1)
    sharing = {part: _sharing(config, part) for part in config.share}
    for stage, (width, depth, strides) in enumerate(_STAGES, start=2):
        halves = strides == 2 and not (config.small and width == _LAST_HALVED)
        x = block(config, x, width, f"stage{stage}_block1", strides=2 if halves else 1)
        bases: dict[str, Any] = {}
        for index in range(2, depth + 1):
            name = f"stage{stage}_block{index}"
            if width in _SHARED and config.share:
                convs = {part: _shared(sharing[part], bases, part, width, f"stage{stage}") for part in sharing}
                x = block(config, x, width, name, convs, attention=config.attention is not None)
            else:
                x = block(config, x, width, name)
    x = _EDGES.conv_norm_relu(x, 1280, 1, "last")
    return finish_maps(config, inputs, x, head_dropout=config.dropout)


def _check(config: SharedMobileNetV2Config) -> None:
    unknown = [part for part in config.share if part not in _PARTS]
    if unknown or config.attention not in (None, "eca"):
        raise ValueError(
            f"Expected share to hold words of {tuple(_PARTS)} and attention to be None or 'eca'; got {config.share} "
            f"and {config.attention!r}."
        )


def _sharing(config: SharedMobileNetV2Config, part: str) -> Sharing:
    """Each part has a mean of its own over all stages."""
    entries = sum(_PARTS[part](width) ** 2 for width in _SHARED)
    return Sharing(config, entries=entries, initializer=torch_default, orthogonal=False)


def _shared(sharing: Sharing, bases: dict[str, Any], part: str, width: int, stage: str) -> Convolution:
    """A 1x1 layer by the stage's filters, which are made where they are first needed."""

    def conv(x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
        if part not in bases:
            bases[part] = sharing.basis(x, _PARTS[part](width), 1, f"{stage}_basis_{part}")
        return sharing.conv(x, None, kernel_size, name, bases=bases[part], strides=strides)

    return conv


def block(
    config: SharedMobileNetV2Config,
    x: Any,
    width: int,
    name: str,
    convs: dict[str, Convolution] | None = None,
    *,
    strides: int = 1,
    expansion: int = _EXPANSION,
    attention: bool = False,
) -> Any:
    """An inverted residual, perhaps with a gate on its channels; small networks add their input in any shape."""
    convs = convs or {}
    y = _BLOCKS.inverted_branch(
        x,
        width,
        name,
        inner=expansion * x.shape[-1],
        strides=strides,
        depthwise=_depthwise,
        expand=convs.get("expand"),
        project=convs.get("project"),
    )
    if attention:
        y = _eca(y, f"{name}_attention")
    if strides > 1 or (x.shape[-1] != width and not config.small):
        return y
    return layers.Add(name=f"{name}_add")([y, _BLOCKS.project(x, width, f"{name}_shortcut")])


def _eca(x: Any, name: str) -> Any:
    """Efficient channel attention: a gate a channel, from the means of it and its neighbours (Wang et al. 2020)."""
    channels = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(data_format="channels_last", name=f"{name}_pool")(x)
    gate = layers.Reshape((channels, 1), name=f"{name}_row")(gate)
    gate = layers.Conv1D(
        1,
        1 if channels < 96 else 3,
        padding="same",
        use_bias=False,
        kernel_initializer=torch_default(),
        data_format="channels_last",
        name=name,
    )(gate)
    gate = layers.Activation("sigmoid", name=f"{name}_sigmoid")(gate)
    gate = layers.Reshape((1, 1, channels), name=f"{name}_gate")(gate)
    return layers.Multiply(name=f"{name}_scale")([x, gate])


def _stem(config: SharedMobileNetV2Config, x: Any) -> Any:
    if not config.small:
        return _EDGES.conv_norm_relu(x, 32, 3, "stem", strides=2)
    # The authors' 1x1 layer has a padding of 1: a border of whatever bias and normalization make of zeros.
    x = layers.ZeroPadding2D(1, data_format="channels_last", name="stem_border")(x)
    return _EDGES.conv_norm_relu(x, 32, 1, "stem")
