from .config import BottleneckConfig, DenseNetConfig, ResNetConfig, VGGConfig
from .model import STAGES, build
from .presets import PRESETS
from .recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "STAGES", "BottleneckConfig", "DenseNetConfig", "ResNetConfig", "VGGConfig", "build"]
