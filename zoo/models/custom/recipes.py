"""None: users bring the recipe, too."""

from __future__ import annotations

from zoo.models.recipe import Recipe

RECIPES: dict[str, Recipe] = {}
