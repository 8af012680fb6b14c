from .config import E4NetConfig, E4ResNet18Config
from .model import STAGES, build
from .presets import PRESETS
from .recipes import OTHER_RECIPES, RECIPES

__all__ = ["OTHER_RECIPES", "PRESETS", "RECIPES", "STAGES", "E4NetConfig", "E4ResNet18Config", "build"]
