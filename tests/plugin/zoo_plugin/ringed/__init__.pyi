from .config import RingedConfig
from .model import build
from .presets import PRESETS
from .recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "RingedConfig", "build"]
