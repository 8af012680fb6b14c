"""PDE-GCN: graph networks from diffusion and wave equations (Eliasof, Haber and Treister, NeurIPS 2021)."""

from zoo.models.pdegcn.config import PDEGCNCloudConfig, PDEGCNConfig
from zoo.models.pdegcn.model import build, example_inputs
from zoo.models.pdegcn.presets import PRESETS
from zoo.models.pdegcn.recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "PDEGCNCloudConfig", "PDEGCNConfig", "build", "example_inputs"]
