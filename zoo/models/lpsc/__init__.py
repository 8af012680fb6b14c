"""LPSC: log-polar space convolution layers (Su and Wen, NeurIPS 2022)."""

from zoo.models.lpsc.config import LPSCAlexNetConfig, LPSCDeepLabConfig, LPSCResNetConfig, LPSCVGGConfig
from zoo.models.lpsc.model import build
from zoo.models.lpsc.presets import PRESETS
from zoo.models.lpsc.recipes import RECIPES

__all__ = [
    "PRESETS",
    "RECIPES",
    "LPSCAlexNetConfig",
    "LPSCDeepLabConfig",
    "LPSCResNetConfig",
    "LPSCVGGConfig",
    "build",
]
