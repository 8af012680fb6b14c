"""DenseNet with shared filter bases."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
from keras import layers

from zoo.models.blocks import Blocks, Convolution, conv, finish_maps, image_input
from zoo.models.initializers import torch_default
from zoo.models.shared_basis.config import SharedDenseNetConfig
from zoo.models.shared_basis.sharing import Sharing

BLOCKS = Blocks(conv=partial(conv, initializer=torch_default))


def build_densenet(config: SharedDenseNetConfig) -> keras.Model:
    """A DenseNet for small images, with half of the channels after every dense block."""
    inputs, x = image_input(config.input_shape, mean=config.mean, std=config.std)
    x = BLOCKS.conv(x, 2 * config.growth, 3, "stem")
    sharing = Sharing(
        config,
        entries=len(config.blocks) * config.shared**2 or None,
        initializer=torch_default,
        orthogonal=False,
    )
    for stage, depth in enumerate(config.blocks, start=1):
        if stage > 1:
            x = _transition(x, f"stage{stage}_transition")
        second = shared_layers(config, sharing, f"stage{stage}_basis") if config.shared or config.unique else None
        for block in range(1, depth + 1):
            x = BLOCKS.dense(x, config.growth, f"stage{stage}_block{block}", second=second, join="join")
    return finish_maps(config, inputs, BLOCKS.norm_relu(x, "final"))


def shared_layers(config: SharedDenseNetConfig, sharing: Sharing, basis: str) -> Convolution:
    """The 3x3 convolution of one dense block's layers; the first one makes their basis."""
    found: list[tuple[Any, ...]] = []

    def conv(x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
        if not found:
            found.append(sharing.basis(x, config.shared, kernel_size, basis) if config.shared else ())
        return sharing.conv(x, filters, kernel_size, name, bases=found[0], strides=strides, unique=config.unique)

    return conv


def _transition(x: Any, name: str) -> Any:
    """Half the channels at half the size, without a ReLU."""
    x = BLOCKS.conv(BLOCKS.norm(x, f"{name}_input"), x.shape[-1] // 2, 1, name)
    return layers.AveragePooling2D(2, data_format="channels_last", name=f"{name}_pool")(x)
