"""The list of model families and the look-up of a model's preset by its name."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
import functools
import importlib
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from zoo.hub import paths
from zoo.models.preset import Preset
from zoo.models.recipe import Recipe

FAMILIES: tuple[str, ...] = (
    "zoo.models.e4net",
    "zoo.models.lpsc",
    "zoo.models.pdegcn",
    "zoo.models.scene",
    "zoo.models.shared_basis",
    "zoo.models.synaptic",
)
"""Dotted paths of the family packages; a new family is its folder and one line here."""

SEVERAL_LABELS = ("node-labelling",)
"""Tasks in which several labels may be true at once."""

PER_PIXEL = ("semantic-segmentation",)
"""Tasks in which every pixel has a label."""

IGNORED_LABEL = 255
"""The label of pixels that do not count in such tasks, in data sets as Pascal VOC."""


def list_models(
    pattern: str = "*", *, task: str | None = None, paper: str | None = None, pretrained: bool | None = None
) -> list[str]:
    """Names of the registered models, in natural order (`net9` before `net10`).

    Args:
        pattern: a shell wildcard (`*`, `?`, `[abc]`) that the whole name must match.
        task: only models for this task, for example `"image-classification"`.
        paper: only models of the paper with this key, for example `"e4net"`.
        pretrained: True for models that have trained weights, False for those that have none, None for both.

    Returns:
        The matching names; an empty list when nothing matches.

    Example:
        >>> import zoo
        >>> zoo.list_models("e4net_*mnistrot")
        ['e4net_large_mnistrot', 'e4net_mnistrot']
    """
    found = [
        preset.name
        for preset in presets().values()
        if fnmatch.fnmatchcase(preset.name, pattern)
        and (task is None or preset.task == task)
        and (paper is None or preset.paper.key == paper)
        and (pretrained is None or bool(paths.tags(preset.name)) == pretrained)
    ]
    return sorted(found, key=paths.natural_key)


def find_preset(name: str) -> Preset:
    """The preset called `name`; a `ValueError` with the nearest name when there is none."""
    known = presets()
    if name not in known:
        folder = f"; the folder of that name is written './{name}'" if Path(name).is_dir() else ""
        raise ValueError(f"unknown model {name!r}{folder or _suggestion(name, list(known))}")
    return known[name]


def find_recipe(name: str, recipe: str | None = None) -> Recipe:
    """The training recipe of the model called `name`, or another one of its family's `OTHER_RECIPES` by its name.

    A `ValueError` names the recipes there are.
    """
    family = find_family(family_of(find_preset(name).config))
    others = {word: recipes[name] for word, recipes in getattr(family, "OTHER_RECIPES", {}).items() if name in recipes}
    if recipe is not None:
        if recipe not in others:
            raise ValueError(f"{name!r} has no recipe called {recipe!r}; besides its own it has {sorted(others)}")
        return others[recipe]
    if name not in family.RECIPES:
        known = sorted(family.RECIPES)
        raise ValueError(f"{name!r} has no training recipe; models of its family that have one: {known}")
    return family.RECIPES[name]


def find_family(name: str) -> ModuleType:
    """The family package called `name` (the last part of its dotted path)."""
    known = families()
    if name not in known:
        raise ValueError(f"unknown model family {name!r}; this version of zoo has {sorted(known)}")
    return known[name]


def family_of(config: Any) -> str:
    """The name of the family whose presets use the class of `config`."""
    for name, module in families().items():
        if type(config) in config_classes(module).values():
            return name
    known = sorted(c for module in families().values() for c in config_classes(module))
    raise ValueError(f"expected the configuration of a model ({', '.join(known)}), got {type(config).__name__}")


def config_classes(family: ModuleType) -> dict[str, type]:
    """The configuration classes that the presets of a family use, by class name."""
    return {type(preset.config).__name__: type(preset.config) for preset in family.PRESETS}


def replace_config(config: Any, **overrides: Any) -> Any:
    """`config` with some fields changed; a `ValueError` that lists the fields when one is unknown."""
    fields = [field.name for field in dataclasses.fields(config)]
    unknown = sorted(set(overrides) - set(fields))
    if unknown:
        hint = _suggestion(unknown[0], fields, listing=f"the fields are {', '.join(fields)}")
        raise ValueError(f"{type(config).__name__} has no field {', '.join(map(repr, unknown))}{hint}")
    return dataclasses.replace(config, **overrides)


def families() -> dict[str, ModuleType]:
    """Every family package by name, imported on first use."""
    return _import_families(FAMILIES)


def presets() -> dict[str, Preset]:
    """Every registered preset by name."""
    return _collect_presets(FAMILIES)


@functools.lru_cache(maxsize=8)
def _import_families(dotted_paths: tuple[str, ...]) -> dict[str, ModuleType]:
    return {path.rpartition(".")[2]: importlib.import_module(path) for path in dotted_paths}


@functools.lru_cache(maxsize=8)
def _collect_presets(dotted_paths: tuple[str, ...]) -> dict[str, Preset]:
    found: dict[str, Preset] = {}
    for module in _import_families(dotted_paths).values():
        for preset in module.PRESETS:
            if preset.name in found:
                raise ValueError(f"two presets are called {preset.name!r}; the second is in {module.__name__}")
            if not re.fullmatch(paths.MODEL_NAME, preset.name):
                raise ValueError(f"preset name {preset.name!r} in {module.__name__} is not in snake case")
            if preset.config.name != preset.name:
                raise ValueError(f"preset {preset.name!r} has a configuration called {preset.config.name!r}")
            found[preset.name] = preset
    return found


def _suggestion(name: str, known: list[str], *, listing: str | None = None) -> str:
    listing = listing or f"zoo.list_models() lists all {len(known)}"
    # The beginning of a name before names that only look like it.
    near = sorted((word for word in known if name and word.startswith(name.lower())), key=len)
    near = near or difflib.get_close_matches(name.lower(), known, n=1)
    return f": did you mean {near[0]!r}? ({listing})" if near else f"; {listing}"
