"""E4-Net: efficient equivariant networks (He et al., NeurIPS 2021)."""

from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config
from zoo.models.e4net.model import build
from zoo.models.e4net.presets import PRESETS
from zoo.models.e4net.recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "E4NetConfig", "E4ResNet18Config", "build"]
