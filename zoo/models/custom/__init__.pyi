from .config import CONFIGS, CustomConfig, config_of, own_layers
from .model import build, example_inputs
from .presets import PRESETS
from .recipes import RECIPES

__all__ = [
    "CONFIGS",
    "PRESETS",
    "RECIPES",
    "CustomConfig",
    "build",
    "config_of",
    "example_inputs",
    "own_layers",
]
