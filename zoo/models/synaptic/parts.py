"""Convolution and normalization in the three forms: plain, with strengths, with strengths as products."""

from __future__ import annotations

from typing import Any

from keras import layers

from zoo.layers import SynapticConv2D
from zoo.losses import StrengthSparsity
from zoo.models import blocks
from zoo.models.synaptic.config import SynapticConfig

FORMS = ("parameter", "product", "plain")


def check_form(config: SynapticConfig) -> None:
    """Raises ValueError for an unknown form, and for a penalty on strengths that are not there."""
    if config.form not in FORMS:
        raise ValueError(f"Expected form to be one of {FORMS}; got {config.form!r}.")
    if config.form == "plain" and (config.strength_l1 or config.group_l1):
        raise ValueError("A plain network has no strengths to penalise: leave strength_l1 and group_l1 at 0.")


def conv(config: SynapticConfig, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
    """A convolution without bias, with symmetric zeros around the image."""
    if config.form == "plain":
        return blocks.conv(x, filters, kernel_size, name, strides=strides)
    pad = kernel_size // 2 if strides > 1 else 0
    if pad:
        x = layers.ZeroPadding2D(pad, data_format="channels_last", name=f"{name}_pad")(x)
    penalised = config.strength_l1 or config.group_l1
    layer = SynapticConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="valid" if pad else "same",
        use_bias=False,
        form=config.form,
        strength_regularizer=StrengthSparsity(config.strength_l1, config.group_l1) if penalised else None,
        kernel_initializer="he_normal",
        data_format="channels_last",
        name=name,
    )
    return layer(x)


def norm(config: SynapticConfig, x: Any, name: str) -> Any:
    """Batch normalization; without scale where the strengths have it."""
    if config.form == "plain":
        return blocks.norm(x, name)
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, scale=False, name=f"{name}_norm")(x)


def norm_relu(config: SynapticConfig, x: Any, name: str) -> Any:
    """Batch normalization and ReLU."""
    return layers.ReLU(name=f"{name}_relu")(norm(config, x, name))


def conv_norm(config: SynapticConfig, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1) -> Any:
    """`conv`, then batch normalization."""
    return norm(config, conv(config, x, filters, kernel_size, name, strides=strides), name)


def conv_norm_relu(
    config: SynapticConfig, x: Any, filters: int, kernel_size: int, name: str, *, strides: int = 1
) -> Any:
    """`conv`, then batch normalization and ReLU."""
    return norm_relu(config, conv(config, x, filters, kernel_size, name, strides=strides), name)
