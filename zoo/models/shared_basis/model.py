"""From a configuration to a functional Keras model that takes raw pixels and returns logits."""

from __future__ import annotations

from typing import Any

import keras

from zoo.models.shared_basis.config import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedBasisConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
)
from zoo.models.shared_basis.densenet import build_densenet
from zoo.models.shared_basis.mobilenet import build_mobilenet
from zoo.models.shared_basis.resnet import build_basic, build_bottleneck

_BUILDERS: dict[type, Any] = {
    BasicResNetConfig: build_basic,
    BottleneckResNetConfig: build_bottleneck,
    SharedDenseNetConfig: build_densenet,
    SharedMobileNetV2Config: build_mobilenet,
}


STAGES = r"stem|stage\d+|last|final"
"""How the names of a stage's layers begin."""


def build(config: SharedBasisConfig) -> keras.Model:
    """Builds the network of a configuration with fresh weights.

    Args:
        config: one of the family's configurations.

    Returns:
        A functional model from raw pixels (B, H, W, C), 0 to 255, to logits (B, num_classes), or to pooled features if
        `include_head` is false.

    Raises:
        TypeError: for another configuration.
        ValueError: for values that do not fit, with the numbers.

    Example:
        >>> model = build(BasicResNetConfig(shared=8, unique=1, blocks=(2, 2, 2)))
        >>> model.get_layer("stage2_basis").kernel.shape
        (3, 3, 32, 16)
    """
    if type(config) not in _BUILDERS:
        names = ", ".join(sorted(kind.__name__ for kind in _BUILDERS))
        raise TypeError(f"Expected one of {names}; got {type(config).__name__}.")
    return _BUILDERS[type(config)](config)
