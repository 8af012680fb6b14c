"""No recipes: the weights are converted, and nothing here trains on ImageNet."""

from __future__ import annotations

from zoo.models.recipe import Recipe

RECIPES: dict[str, Recipe] = {}
