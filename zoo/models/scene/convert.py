"""From the names and layouts of torchvision, timm and the Places365 project to ours."""

from __future__ import annotations

from typing import Any

from zoo.models.conversion import Converted, Layout, Rules, Tensors, by_rules
from zoo.models.scene.config import SceneDenseNetConfig, SceneResNetConfig

RESNET: Rules = (
    (r"^conv1\.", "stem."),
    (r"^bn1\.", "stem_norm."),
    (r"^fc\.", "head."),
    (r"^layer(\d)\.(\d+)\.", lambda found: f"stage{found[1]}_block{int(found[2]) + 1}_"),
    (r"_bn(\d)\.", r"_conv\1_norm."),
    (r"_downsample\.0\.", "_shortcut."),
    (r"_downsample\.1\.", "_shortcut_norm."),
)
DENSENET: Rules = (
    (r"^features\.conv0\.", "stem."),
    (r"^features\.norm0\.", "stem_norm."),
    (r"^features\.norm5\.", "features_norm."),
    (r"^classifier\.", "head."),
    (r"^features\.denseblock(\d)\.denselayer(\d+)\.", r"block\1_layer\2_"),
    (r"^features\.transition(\d)\.norm\.", r"transition\1_input_norm."),
    (r"^features\.transition(\d)\.conv\.", r"transition\1."),
    (r"_norm\.?1\.", "_input_norm."),
    (r"_norm\.?2\.", "_conv1_norm."),
    (r"_conv\.?(\d)\.", r"_conv\1."),
)
"""Files of before 2018 write `norm.1` for `norm1`."""


def _convert(config: Any, tensors: Tensors) -> Converted:
    return by_rules(tensors, RESNET if isinstance(config, SceneResNetConfig) else DENSENET)


def _fits(config: Any) -> bool:
    """Networks of their form alone: a last stage that does not halve has the same tensors and is another function."""
    if isinstance(config, SceneResNetConfig):
        return config.strides == (1, 2, 2, 2) and config.input_shape[-1] == 3
    return isinstance(config, SceneDenseNetConfig)


LAYOUTS = (Layout(name="torchvision, timm or the Places365 project", fits=_fits, convert=_convert),)
