from .config import SceneChainConfig, SceneDenseNetConfig, SceneLiteConfig, SceneResNetConfig
from .model import STAGES, build
from .presets import PRESETS
from .recipes import RECIPES

__all__ = [
    "PRESETS",
    "RECIPES",
    "STAGES",
    "SceneChainConfig",
    "SceneDenseNetConfig",
    "SceneLiteConfig",
    "SceneResNetConfig",
    "build",
]
