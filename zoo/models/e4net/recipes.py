"""How the shipped E4-Nets were trained."""

from __future__ import annotations

from zoo.models.recipe import Recipe

_ONE_CYCLE = {
    "dataset": "mnist_rot",
    "batch_size": 64,
    "learning_rate": 0.01,
    "weight_decay": 0.01,
    "augmentation": ("rotate",),
    "overrides": {"dropout": 0.0},
}

RECIPES = {
    "e4net_mnistrot": Recipe(epochs=40, **_ONE_CYCLE),
    "e4net_large_mnistrot": Recipe(epochs=30, **_ONE_CYCLE),
    "gcnn_mnistrot": Recipe(epochs=40, **_ONE_CYCLE),
}
