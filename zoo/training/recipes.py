"""From what a user gives as `recipe=` to a recipe."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import datasets, hub
from zoo.datasets.augment import with_options
from zoo.math.values import check_whole
from zoo.models.recipe import Recipe
from zoo.models.recipe_files import parse_settings, read_recipe, write_recipe

__all__ = ["parse_settings", "read_recipe", "recipe_name", "resolve_recipe", "write_recipe"]

Given = str | os.PathLike[str] | Recipe | Mapping[str, Any] | None


def resolve_recipe(name: str | None, recipe: Given = None, *, epochs: int | None = None) -> Recipe:
    """The recipe that is meant, with another number of epochs if given.

    Args:
        name: of the registered model that is trained; None for a model of the user's own.
        recipe: None for the model's own; the name of another recipe of its, such as `"faithful"`, or of a model whose
            recipe is wanted; a file ending in `.yaml`, `.yml` or `.json`; a recipe, or its fields in a dictionary.
        epochs: instead of the recipe's number.

    Returns:
        The recipe.

    Raises:
        ValueError: unknown model, no such recipe, a file or field that cannot be meant, an augmentation or option that
            is not there, or a number of epochs that is no whole number of at least 1.
        FileNotFoundError: no such file.
        TypeError: something else.

    Example:
        >>> resolve_recipe(None, {"epochs": 20, "batch_size": 32}, epochs=3).epochs
        3
    """
    found = _find(name, recipe)
    _check_augmentation(found)
    return found if epochs is None else found.with_epochs(check_whole("epochs", epochs))


def recipe_name(recipe: Given) -> str | None:
    """The name under which a recipe was asked for, for the record of a run; None for anything but a name."""
    return recipe if isinstance(recipe, str) and not _is_file(recipe) else None


def _find(name: str | None, recipe: Given) -> Recipe:
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Mapping):
        return Recipe.from_dict(recipe)
    if isinstance(recipe, str | os.PathLike) and _is_file(recipe):
        return read_recipe(recipe)
    if recipe is not None and not isinstance(recipe, str):
        raise TypeError(
            f"Expected a recipe by its name, a file, a Recipe or a dictionary; got {type(recipe).__name__}."
        )
    if name is None and recipe is None:
        raise ValueError(
            "Which recipe? A model of your own has none: pass recipe={'epochs': 20, 'batch_size': 32}, a YAML file, or "
            "the name of a model whose recipe is wanted."
        )
    if name is None or (recipe is not None and recipe in hub.list_models()):
        return hub.find_recipe(str(recipe))
    return hub.find_recipe(name, recipe)


def _check_augmentation(recipe: Recipe) -> None:
    for name in recipe.augmentation:
        options = dict(recipe.augmentation_options.get(name, {}))
        if name in datasets.MIXERS:
            with_options(name, datasets.MIXERS[name], options)
        else:
            datasets.augmentation(name, **options)


def _is_file(recipe: str | os.PathLike[str]) -> bool:
    text = os.fspath(recipe)
    return isinstance(recipe, os.PathLike) or "/" in text or os.sep in text or bool(Path(text).suffix)
