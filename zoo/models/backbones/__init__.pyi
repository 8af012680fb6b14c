from .config import EfficientNetLiteConfig
from .model import STAGES, build
from .presets import PRESETS
from .recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "STAGES", "EfficientNetLiteConfig", "build"]
