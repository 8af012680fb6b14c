from .config import LPSCAlexNetConfig, LPSCDeepLabConfig, LPSCResNetConfig, LPSCVGGConfig
from .model import STAGES, build
from .presets import PRESETS
from .recipes import RECIPES

__all__ = [
    "PRESETS",
    "RECIPES",
    "STAGES",
    "LPSCAlexNetConfig",
    "LPSCDeepLabConfig",
    "LPSCResNetConfig",
    "LPSCVGGConfig",
    "build",
]
