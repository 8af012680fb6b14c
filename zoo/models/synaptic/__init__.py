"""Synaptic Strength: convolutional networks whose single connections are pruned (Lin et al., NeurIPS 2018)."""

from zoo.models.synaptic.config import BottleneckConfig, DenseNetConfig, ResNetConfig, VGGConfig
from zoo.models.synaptic.model import build
from zoo.models.synaptic.presets import PRESETS
from zoo.models.synaptic.recipes import RECIPES

__all__ = ["PRESETS", "RECIPES", "BottleneckConfig", "DenseNetConfig", "ResNetConfig", "VGGConfig", "build"]
