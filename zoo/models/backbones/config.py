"""Configurations of the backbones."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models.image_config import ImageConfig


@dataclass(frozen=True, kw_only=True)
class EfficientNetLiteConfig(ImageConfig):
    """EfficientNet-Lite0.

    Attributes:
        dropout: rate between the pooled features and the head, in training.
    """

    name: str = "efficientnet_lite0"
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    num_classes: int = 1000
    dropout: float = 0.2
