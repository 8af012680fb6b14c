"""DenseNet with shared filter bases."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from zoo.models import blocks
from zoo.models.initializers import torch_default
from zoo.models.shared_basis.config import SharedDenseNetConfig
from zoo.models.shared_basis.sharing import Sharing

_INNER = 4  # channels of a layer's 1x1 convolution, in multiples of the growth


def build_densenet(config: SharedDenseNetConfig) -> keras.Model:
    """A DenseNet for small images, with half of the channels after every dense block."""
    inputs, x = blocks.image_input(config.input_shape, mean=config.mean, std=config.std)
    x = blocks.conv(x, 2 * config.growth, 3, "stem", initializer=torch_default())
    sharing = Sharing(
        config,
        entries=len(config.blocks) * config.shared**2 or None,
        initializer=torch_default,
        orthogonal=False,
    )
    for stage, depth in enumerate(config.blocks, start=1):
        if stage > 1:
            x = _transition(x, f"stage{stage}_transition")
        bases: tuple[Any, ...] = ()
        for block in range(1, depth + 1):
            name = f"stage{stage}_block{block}"
            y = _enter(x, _INNER * config.growth, name)
            if config.shared and not bases:
                bases = sharing.basis(y, config.shared, 3, f"stage{stage}_basis")
            x = layers.Concatenate(name=f"{name}_join")([x, _leave(config, sharing, y, bases, f"{name}_conv2")])
    x = blocks.norm_relu(x, "final")
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(x)
    return blocks.classify(
        x, inputs, name=config.name, num_classes=config.num_classes, include_head=config.include_head
    )


def _enter(x: Any, width: int, name: str) -> Any:
    x = blocks.norm_relu(x, f"{name}_input")
    return blocks.conv_norm_relu(x, width, 1, f"{name}_conv1", initializer=torch_default())


def _leave(config: SharedDenseNetConfig, sharing: Sharing, x: Any, bases: tuple[Any, ...], name: str) -> Any:
    """The layer's new channels."""
    if not (bases or config.unique):
        return blocks.conv(x, config.growth, 3, name, initializer=torch_default())
    return sharing.conv(x, config.growth, name, bases, unique=config.unique)


def _transition(x: Any, name: str) -> Any:
    """Half the channels at half the size, without a ReLU."""
    x = blocks.norm(x, f"{name}_input")
    x = blocks.conv(x, x.shape[-1] // 2, 1, name, initializer=torch_default())
    return layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
