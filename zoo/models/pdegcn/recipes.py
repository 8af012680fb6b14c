"""How the shipped PDE-GCNs are trained."""

from __future__ import annotations

from zoo.models.recipe import Recipe

RECIPES: dict[str, Recipe] = {}
