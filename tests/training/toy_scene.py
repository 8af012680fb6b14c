"""A family of one tiny scene network with measures in its card, and images to train it on."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.training.toy import PAPER
from zoo.models.preset import Preset
from zoo.models.recipe import Recipe
from zoo.models.scene import SceneChainConfig, build

__all__ = ["CONFIG", "NAME", "PRESETS", "RECIPES", "build", "load"]

NAME, SHAPE, CLASSES = "glimpse", (16, 16, 3), 4
CONFIG = SceneChainConfig(
    name=NAME, input_shape=SHAPE, num_classes=CLASSES, layers=((4,), (4,)), kernel_sizes=(3, 3), features=6
)
PRESETS = (
    Preset(
        name=NAME,
        config=CONFIG,
        summary="a glimpse",
        paper=PAPER,
        dataset="scene15",
        labels=("a", "b", "c", "d"),
        parameters=108 + 144 + 216 + 28 + 28,
        measures=("accuracy", "class_mean_accuracy", "focus_area", "erased_accuracy"),
    ),
)
RECIPES: dict[str, Recipe] = {
    NAME: Recipe(
        dataset="scene15",
        epochs=2,
        batch_size=8,
        optimizer="sgd",
        learning_rate=0.05,
        augmentation=("flip",),
        consistency={"kind": "relevance", "threshold": 0.5},
    )
}


def load(name: str, split: str, *, data: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Stands in for `zoo.datasets.load`: classes differ in the corner that is bright."""
    rng = np.random.default_rng(list(split.encode()))
    labels = np.arange(40) % CLASSES
    images = rng.integers(0, 120, (40, *SHAPE))
    for index, label in enumerate(labels):
        images[index, 8 * (label // 2) :, 8 * (label % 2) :][:8, :8] += 100
    return images.astype("uint8"), labels
