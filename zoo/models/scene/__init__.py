"""Scene classifiers with class activation maps, and pairwise-consistency training (our reading of NeurIPS 2021)."""

from zoo.models.scene.config import SceneChainConfig, SceneDenseNetConfig, SceneResNetConfig
from zoo.models.scene.model import build
from zoo.models.scene.presets import PRESETS
from zoo.models.scene.recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "SceneChainConfig", "SceneDenseNetConfig", "SceneResNetConfig", "build"]
