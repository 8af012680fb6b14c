"""The list of our model families, those from outside, and the look-up of a model's preset by its name."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from zoo import _plugins
from zoo._suggestions import did_you_mean, suggests
from zoo.hub import paths
from zoo.hub.index import CUSTOM, Index, config_classes
from zoo.models.preset import Preset
from zoo.models.recipe import Recipe

FAMILIES: tuple[str, ...] = (
    "zoo.models.backbones",
    "zoo.models.e4net",
    "zoo.models.lpsc",
    "zoo.models.pdegcn",
    "zoo.models.scene",
    "zoo.models.shared_basis",
    "zoo.models.synaptic",
)
"""Dotted paths of our own family packages; a new one is its folder and one line here."""


@suggests
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
        ['e4net_large_mnistrot', 'e4net_mnistrot', 'e4net_tiny_mnistrot']
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
        folder = f"; the folder of that name is written './{name}'." if Path(name).is_dir() else ""
        hint = did_you_mean(name, known)
        raise ValueError(
            f"Unknown model {name!r}{folder or '.'}{hint} `zoo list`, or zoo.list_models(), names all {len(known)}."
        )
    return known[name]


def find_recipe(name: str, recipe: str | None = None) -> Recipe:
    """The training recipe of the model called `name`, or another one of its family's `OTHER_RECIPES` by its name.

    A `ValueError` names the recipes there are.
    """
    family = find_family(family_of(find_preset(name).config))
    registered = _index(FAMILIES).recipes
    known = {**family.RECIPES, **({name: registered[name]} if name in registered else {})}
    others = {word: recipes[name] for word, recipes in getattr(family, "OTHER_RECIPES", {}).items() if name in recipes}
    if recipe is not None:
        if recipe not in others:
            raise ValueError(f"{name!r} has no recipe called {recipe!r}; besides its own it has {sorted(others)}")
        return others[recipe]
    if name not in known:
        raise ValueError(f"{name!r} has no training recipe; models of its family that have one: {sorted(known)}")
    return known[name]


def find_family(name: str) -> ModuleType:
    """The family package called `name` (the last part of its dotted path)."""
    known = families()
    if name == CUSTOM.rpartition(".")[2]:
        return importlib.import_module(CUSTOM)
    if name not in known:
        raise ValueError(f"unknown model family {name!r}; this version of zoo has {sorted(known)}")
    return known[name]


def family_of(config: Any) -> str:
    """The name of the family whose presets use the class of `config`."""
    own = CUSTOM.rpartition(".")[2]
    for name, module in (*families().items(), (own, find_family(own))):
        if type(config) in config_classes(module).values():
            return name
    known = sorted(c for module in families().values() for c in config_classes(module))
    raise ValueError(f"Expected the configuration of a model ({', '.join(known)}); got {type(config).__name__}.")


def config_from_data(family: str, name: str, values: Mapping[str, Any], *, where: str) -> Any:
    """The configuration of a family that a card or a file describes by the class's name and its fields' JSON values.

    A `ValueError` that begins with `where` for a class or a field that this version does not have.
    """
    classes = config_classes(find_family(family))
    if name not in classes:
        raise ValueError(f"{where} names the configuration {name!r}; {family} has {[*classes]}")
    unknown = sorted(set(values) - {field.name for field in dataclasses.fields(classes[name])})
    if unknown:
        raise ValueError(f"{where} has configuration fields that {name} has not: {unknown}")
    return classes[name](**{key: _frozen(value) for key, value in values.items()})


def replace_config(config: Any, also: tuple[str, ...] = (), /, **overrides: Any) -> Any:
    """`config` with some fields changed; a `ValueError` that lists the fields when one is unknown.

    Args:
        config: of a family.
        also: other words that an unknown one may have meant.
        **overrides: new values by field.
    """
    fields = [field.name for field in dataclasses.fields(config)]
    unknown = sorted(set(overrides) - set(fields))
    if unknown:
        hint = did_you_mean(unknown[0], [*fields, *also])
        raise ValueError(
            f"{type(config).__name__} has no field {', '.join(map(repr, unknown))}.{hint} The fields are "
            f"{', '.join(fields)}."
        )
    return dataclasses.replace(config, **overrides)


def families() -> dict[str, ModuleType]:
    """Every family package by name, imported on first use."""
    return _index(FAMILIES).families


def presets() -> dict[str, Preset]:
    """Every registered preset by name."""
    return _index(FAMILIES).presets


def register_family(name: str, family: str | ModuleType) -> None:
    """Adds a family of models: its presets are listed, built, trained, saved and exported like zoo's own.

    It holds in this process, and in those that `zoo.export` starts. A package that is installed says the same by an
    entry point of the group `zoo.families`, which holds everywhere.

    Args:
        name: of the family, in snake case; cards and files have it.
        family: a module, or its dotted path, with `PRESETS` (a tuple of `zoo.models.preset.Preset`), `RECIPES` (from
            the name of a preset to a `zoo.training.Recipe`) and `build(config)`.

    Raises:
        ValueError: a name that is taken (both owners are said), or a module without these.
        ImportError: a dotted path that leads nowhere.

    Example:
        >>> import zoo
        >>> zoo.register_family("my_nets", "my_package.my_nets")  # doctest: +SKIP
        >>> zoo.list_models("my_*")  # doctest: +SKIP
        ['my_net_digits']
    """
    module = importlib.import_module(family) if isinstance(family, str) else family
    _index(FAMILIES).add_family(name, module, _plugins.HERE)
    _registered.append((Index.add_family, name, module))


def register_preset(preset: Preset, *, recipe: Recipe | None = None) -> None:
    """Adds a model of a family that is known: another configuration with a name, a summary and a recipe.

    A package says the same by an entry point of the group `zoo.presets`, a module with `PRESETS` and perhaps `RECIPES`.

    Args:
        preset: the model; its configuration is of a class of the family.
        recipe: how it is trained; None for none.

    Raises:
        ValueError: a name that is taken (both owners are said) or not in snake case, or a configuration that no family
            has.

    Example:
        >>> import dataclasses, zoo
        >>> known = zoo.hub.find_preset("e4net_mnistrot")
        >>> config = dataclasses.replace(known.config, name="e4net_letters", num_classes=26)
        >>> letters = tuple("abcdefghijklmnopqrstuvwxyz")
        >>> mine = dataclasses.replace(known, name="e4net_letters", config=config, labels=letters)
        >>> zoo.register_preset(mine)  # doctest: +SKIP
    """
    made = SimpleNamespace(PRESETS=(preset,), RECIPES={} if recipe is None else {preset.name: recipe})
    _index(FAMILIES).add_presets(preset.name, made, _plugins.HERE)
    _registered.append((Index.add_presets, preset.name, made))


def registered_families() -> dict[str, str]:
    """The families that this program has registered: their modules' paths by name, for processes that it starts."""
    return {name: value.__name__ for add, name, value in _registered if add is Index.add_family}


_registered: list[tuple[Callable[..., None], str, Any]] = []


@functools.lru_cache(maxsize=8)
def _index(own: tuple[str, ...]) -> Index:
    index = Index()
    for path in own:
        index.add_family(path.rpartition(".")[2], importlib.import_module(path), f"zoo ({path})")
    _plugins.add_installed("zoo.families", index.add_family)
    _plugins.add_installed("zoo.presets", index.add_presets)
    for add, name, value in _registered:
        add(index, name, value, _plugins.HERE)
    return index


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
