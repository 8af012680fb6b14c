"""How the shipped E4-Nets were trained."""

from __future__ import annotations

from zoo.models.recipe import Recipe


def _one_cycle(epochs: int) -> Recipe:
    """Short training on randomly turned digits. Seven small layers underfit in that time: no dropout."""
    return Recipe(
        dataset="mnist_rot",
        epochs=epochs,
        batch_size=64,
        learning_rate=0.01,
        weight_decay=0.01,
        augmentation=("rotate",),
        overrides={"dropout": 0.0},
    )


RECIPES = {
    "e4net_mnistrot": _one_cycle(40),
    "e4net_large_mnistrot": _one_cycle(20),
    "gcnn_mnistrot": _one_cycle(40),
}
