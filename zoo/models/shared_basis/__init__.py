"""Learning shared filter bases (Kang and Kim, NeurIPS 2021)."""

from zoo.models.shared_basis.config import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
)
from zoo.models.shared_basis.model import build
from zoo.models.shared_basis.presets import PRESETS
from zoo.models.shared_basis.recipes import OTHER_RECIPES, RECIPES

__all__ = [
    "OTHER_RECIPES",
    "PRESETS",
    "RECIPES",
    "BasicResNetConfig",
    "BottleneckResNetConfig",
    "SharedDenseNetConfig",
    "SharedMobileNetV2Config",
    "build",
]
