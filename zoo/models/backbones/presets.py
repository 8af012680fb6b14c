"""The registered backbones."""

from __future__ import annotations

from zoo._labels import IMAGENET_NAMES
from zoo.models.backbones.config import EfficientNetLiteConfig
from zoo.models.preset import Paper, Preset

EFFICIENTNET = Paper(
    key="efficientnet",
    title="EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    authors="M. Tan, Q. V. Le",
    venue="ICML",
    year=2019,
    url="https://arxiv.org/abs/1905.11946",
)

PRESETS = (
    Preset(
        name="efficientnet_lite0_imagenet",
        config=EfficientNetLiteConfig(name="efficientnet_lite0_imagenet"),
        summary="EfficientNet-Lite0, a backbone for photographs",
        paper=EFFICIENTNET,
        dataset="imagenet",
        labels=IMAGENET_NAMES,
        parameters=4_652_008,
        deviations=("The Lite variant that the authors published later: no squeeze-and-excite, and ReLU6 for swish.",),
        reported_error=24.9,
        reported_note="authors' checkpoint of EfficientNet-Lite0, 75.1 % top-1 on ImageNet's validation images",
    ),
)
