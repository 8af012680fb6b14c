"""How the shipped E4-Nets were trained."""

from __future__ import annotations

from zoo.models.recipe import Recipe


def _one_cycle(epochs: int, dropout: float) -> Recipe:
    """Short training on randomly turned digits, with less dropout than the 199 epochs of the authors' recipe have."""
    return Recipe(
        dataset="mnist_rot",
        epochs=epochs,
        batch_size=64,
        learning_rate=0.01,
        weight_decay=0.01,
        augmentation=("rotate",),
        overrides={"dropout": dropout},
    )


RECIPES = {
    "e4net_mnistrot": _one_cycle(40, dropout=0.0),
    "e4net_large_mnistrot": _one_cycle(24, dropout=0.1),
    "gcnn_mnistrot": _one_cycle(40, dropout=0.0),
}
