"""E4-Net: efficient equivariant networks (He et al., NeurIPS 2021)."""

from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config
from zoo.models.e4net.model import build

__all__ = ["E4NetConfig", "E4ResNet18Config", "build"]
