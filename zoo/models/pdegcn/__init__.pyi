from .config import PDEGCNCloudConfig, PDEGCNConfig
from .model import STAGES, build, example_inputs
from .presets import PRESETS
from .recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "STAGES", "PDEGCNCloudConfig", "PDEGCNConfig", "build", "example_inputs"]
