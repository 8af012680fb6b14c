"""The registered scene networks."""

from __future__ import annotations

from typing import Any

from zoo._labels import PLACES365, SCENE15, SUN16
from zoo.models import pixels
from zoo.models.preset import TINY, Paper, Preset
from zoo.models.scene.config import (
    SceneChainConfig,
    SceneConfig,
    SceneDenseNetConfig,
    SceneLiteConfig,
    SceneResNetConfig,
)

SCENE = Paper(
    key="scene",
    title="See More for Scene: Pairwise Consistency Learning",
    authors="G. Chen, X. Song, B. Wang, S. Jiang",
    venue="NeurIPS",
    year=2021,
    url="https://openreview.net/forum?id=NWYlZ5z8Q-R",
)

_UNREAD = (
    "Of the paper only title, authors and abstract were read: networks, recipe and every number here are choices of "
    "ours, and none is the paper's."
)
_READING = "Pairwise consistency as we read the abstract: see the recipe's field consistency and docs/scene.md."
_PLAIN = "The baseline: the same network and recipe without pairwise consistency."
_NARROW = (
    "A quarter of ResNet-18's width, and a last stage that does not halve, for class maps of an eighth of the sides."
)
_LITE = (
    "EfficientNet-Lite0 with weights from ImageNet (efficientnet_lite0_imagenet), on pictures resized to 160 pixels; "
    "of it the last layer of maps alone was trained further, with the head."
)
_NORM = "Batch normalization after every convolution, and one 3x3 layer of 1024 maps in the place of the dense layers."

_QUARTER: dict[str, Any] = {"widths": (16, 32, 64, 128), "strides": (1, 2, 2, 1)}
_SCENE15: dict[str, Any] = {"input_shape": (128, 128, 1), "num_classes": 15, **pixels.SCENE15._asdict()}
_SUN16: dict[str, Any] = {"input_shape": (96, 96, 3), "num_classes": 16, **pixels.SUN16._asdict()}
_PLACES365: dict[str, Any] = {"input_shape": (224, 224, 3), "num_classes": 365}


def _preset(
    config: SceneConfig, summary: str, dataset: str, labels: tuple[str, ...], parameters: int, *deviations: str
) -> Preset:
    return Preset(
        name=config.name,
        config=config,
        summary=summary,
        paper=SCENE,
        dataset=dataset,
        labels=labels,
        parameters=parameters,
        deviations=(_UNREAD, *deviations),
        measures=("accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy"),
    )


def _small(dataset: str, labels: tuple[str, ...], parameters: int, facts: dict[str, Any]) -> tuple[Preset, ...]:
    """The same network twice: trained plainly, and with pairwise consistency."""
    plain = SceneResNetConfig(name=f"scene_resnet18_narrow_{dataset}", **_QUARTER, **facts)
    consistent = SceneResNetConfig(name=f"scene_resnet18_narrow_pc_{dataset}", **_QUARTER, **facts)
    summary = "ResNet-18 of quarter width"
    return (
        _preset(plain, f"{summary}, plain training", dataset, labels, parameters, _NARROW, _PLAIN),
        _preset(consistent, f"{summary}, pairwise consistency", dataset, labels, parameters, _NARROW, _READING),
    )


def _lite(dataset: str, labels: tuple[str, ...], parameters: int, facts: dict[str, Any]) -> tuple[Preset, ...]:
    """The backbone for photographs twice: trained plainly, and with pairwise consistency."""
    gray = len(facts["mean"]) == 1
    facts = facts | {"mean": (127.0,) if gray else (127.0,) * 3, "std": (128.0,) if gray else (128.0,) * 3}
    plain = SceneLiteConfig(name=f"scene_efficientnet_lite0_{dataset}", **facts)
    consistent = SceneLiteConfig(name=f"scene_efficientnet_lite0_pc_{dataset}", **facts)
    summary = "EfficientNet-Lite0 from ImageNet"
    return (
        _preset(plain, f"{summary}, plain training", dataset, labels, parameters, _LITE, _PLAIN),
        _preset(consistent, f"{summary}, pairwise consistency", dataset, labels, parameters, _LITE, _READING),
    )


def _places(config: SceneConfig, summary: str, parameters: int, *deviations: str) -> Preset:
    return _preset(config, summary, "places365", PLACES365, parameters, *deviations)


PRESETS = (
    *_small("scene15", SCENE15, 702_463, _SCENE15),
    *_small("sun16", SUN16, 704_160, _SUN16),
    _preset(
        SceneResNetConfig(
            name="scene_tiny_scene15", widths=(8, 16, 24, 32), blocks=(1, 1, 1, 1), strides=(1, 2, 2, 1), **_SCENE15
        ),
        "ResNet-10 of 8 channels, pairwise consistency",
        "scene15",
        SCENE15,
        32_023,
        _READING,
        TINY,
    ),
    *_lite("scene15", SCENE15, 3_390_223, _SCENE15),
    *_lite("sun16", SUN16, 3_391_504, _SUN16),
    _places(SceneResNetConfig(name="scene_resnet18_places365", **_PLACES365), "ResNet-18", 11_363_757),
    _places(
        SceneResNetConfig(name="scene_resnet50_places365", blocks=(3, 4, 6, 3), bottleneck=True, **_PLACES365),
        "ResNet-50",
        24_255_917,
    ),
    _places(
        SceneChainConfig(name="scene_vgg16_places365", **_PLACES365), "VGG16 with averaged maps", 19_813_677, _NORM
    ),
    _places(SceneDenseNetConfig(name="scene_densenet161_places365", **_PLACES365), "DenseNet-161", 27_278_285),
    _places(
        SceneChainConfig(
            name="scene_alexnet_places365",
            stem=(64, 11, 4),
            layers=((192,), (384, 256, 256)),
            kernel_sizes=(5, 3),
            pool_size=3,
            **_PLACES365,
        ),
        "AlexNet with averaged maps",
        5_206_317,
        _NORM,
    ),
)
