from .config import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
)
from .model import STAGES, build
from .presets import PRESETS
from .recipes import OTHER_RECIPES, RECIPES

__all__ = [
    "OTHER_RECIPES",
    "PRESETS",
    "RECIPES",
    "STAGES",
    "BasicResNetConfig",
    "BottleneckResNetConfig",
    "SharedDenseNetConfig",
    "SharedMobileNetV2Config",
    "build",
]
