"""How the scene networks are trained: each network plainly, and with pairwise consistency by the same recipe."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.models.recipe import Recipe

CONSISTENCY: dict[str, Any] = {
    "threshold": 0.5,
    "fill": "mean",
    "kind": "relevance",
    "temperature": 2.0,
    "consistency_weight": 1.0,
    "warmup": 0.05,
}
"""Our default reading; the other settings are the defaults of `ErasePolicy` and `PairwiseConsistency`."""


def _small(dataset: str) -> Recipe:
    return Recipe(
        dataset=dataset,
        epochs=30,
        batch_size=32,
        optimizer="sgd",
        learning_rate=0.05,
        nesterov=True,
        weight_decay=5e-4,
        decay_kind="l2",
        augmentation=("random_resized_crop", "flip"),
    )


def _lite(dataset: str) -> Recipe:
    """The small networks' recipe, from weights of ImageNet: fewer and smaller steps, and no crops.

    The backbone's last layer goes slowly. Crops cost two points of validation accuracy on Scene-15.
    """
    return dataclasses.replace(
        _small(dataset),
        epochs=8,
        learning_rate=0.02,
        augmentation=("flip",),
        learning_rate_multipliers={"features": 0.1},
        overrides={"frozen": True},
        needs_start=True,
    )


def _places() -> Recipe:
    """As the training script that comes with the data set, but for the crops' bounds."""
    return Recipe(
        dataset="places365",
        epochs=90,
        batch_size=256,
        optimizer="sgd",
        learning_rate=0.1,
        schedule="step",
        milestones=(30, 60),
        weight_decay=1e-4,
        decay_kind="l2",
        augmentation=("random_resized_crop", "flip"),
    )


def _consistent(recipe: Recipe) -> Recipe:
    return dataclasses.replace(recipe, consistency=CONSISTENCY)


RECIPES = {
    "scene_resnet18_narrow_scene15": _small("scene15"),
    "scene_resnet18_narrow_pc_scene15": _consistent(_small("scene15")),
    "scene_tiny_scene15": _consistent(_small("scene15")),
    "scene_resnet18_narrow_sun16": _small("sun16"),
    "scene_resnet18_narrow_pc_sun16": _consistent(_small("sun16")),
    "scene_efficientnet_lite0_scene15": _lite("scene15"),
    "scene_efficientnet_lite0_pc_scene15": _consistent(_lite("scene15")),
    "scene_efficientnet_lite0_sun16": _lite("sun16"),
    "scene_efficientnet_lite0_pc_sun16": _consistent(_lite("sun16")),
    **{f"scene_{name}_places365": _places() for name in ("resnet18", "resnet50", "vgg16", "densenet161", "alexnet")},
}
