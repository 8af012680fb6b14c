"""Families and presets by name, own ones and those of others alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from zoo import _plugins
from zoo.hub import paths
from zoo.models.preset import Preset
from zoo.models.recipe import Recipe

CUSTOM = "zoo.models.custom"
"""The family of networks that users bring themselves: it has no presets and is listed nowhere."""


class Index:
    """All families and presets by name, own ones and others alike, each with who brought it."""

    def __init__(self) -> None:
        self.families: dict[str, ModuleType] = {}
        self.presets: dict[str, Preset] = {}
        self.recipes: dict[str, Recipe] = {}
        self._family_owners: dict[str, str] = {}
        self._preset_owners: dict[str, str] = {}

    def add_family(self, name: str, family: Any, owner: str) -> None:
        """Adds a family with all of its presets, or nothing."""
        lacking = [part for part in ("PRESETS", "RECIPES", "build") if part not in dir(family)]
        if lacking:
            bare = getattr(family, "__file__", "") is None  # a folder, which Python imports as a namespace
            advice = " Its folder has no __init__.py, which would name them." if bare else ""
            raise ValueError(
                f"Expected a family's module with PRESETS, RECIPES and build; {name!r} lacks {lacking}.{advice}"
            )
        _check_name("family", name, owner)
        if name == CUSTOM.rpartition(".")[2]:
            raise ValueError(f"the family of {owner} cannot be called {name!r}: that one is of networks of one's own")
        known = self.families.get(name)
        if _plugins.check_same("families", name, known, family, self._family_owners.get(name, ""), owner):
            return
        found = self._checked(family.PRESETS, owner)
        for kind in config_classes(family).values():
            other = next((word for word, m in self.families.items() if kind in config_classes(m).values()), None)
            if other is not None:
                raise ValueError(
                    f"the family {name!r} of {owner} has presets of {kind.__name__}, which the family {other!r} "
                    "builds: give it a configuration class of its own, or register the presets alone"
                )
        self.families[name] = family
        self._family_owners[name] = owner
        self._add(found, owner)

    def add_presets(self, name: str, made: Any, owner: str) -> None:
        """Adds presets of known families, or nothing."""
        known = {kind for family in self.families.values() for kind in config_classes(family).values()}
        found = self._checked(made.PRESETS, owner)
        for preset in found.values():
            if type(preset.config) not in known:
                raise ValueError(
                    f"preset {preset.name!r} of {owner} has a configuration that no family builds, "
                    f"{type(preset.config).__name__}; register its family, or take one of "
                    f"{', '.join(sorted(kind.__name__ for kind in known))}"
                )
        self._add(found, owner)
        self.recipes |= {word: recipe for word, recipe in getattr(made, "RECIPES", {}).items() if word in found}

    def _add(self, found: Mapping[str, Preset], owner: str) -> None:
        self.presets |= found
        self._preset_owners |= dict.fromkeys(found, owner)

    def _checked(self, given: Iterable[Any], owner: str) -> dict[str, Preset]:
        """The presets by name, those left out that are there already."""
        found: dict[str, Preset] = {}
        for preset in given:
            if not isinstance(preset, Preset):
                raise ValueError(f"Expected presets as zoo.models.preset.Preset from {owner}; got {preset!r}.")
            if preset.name in found:
                raise ValueError(f"two presets are called {preset.name!r}, both in {owner}")
            known, first = self.presets.get(preset.name), self._preset_owners.get(preset.name, owner)
            if _plugins.check_same("presets", preset.name, known, preset, first, owner):
                continue
            _check_name("preset", preset.name, owner)
            if preset.config.name != preset.name:
                raise ValueError(f"preset {preset.name!r} has a configuration called {preset.config.name!r}")
            found[preset.name] = preset
        return found


def config_classes(family: ModuleType) -> dict[str, type]:
    """The configuration classes that a family names, or that its presets use, by class name."""
    used = [*getattr(family, "CONFIGS", ()), *(type(preset.config) for preset in family.PRESETS)]
    return {kind.__name__: kind for kind in used}


def _check_name(what: str, name: str, owner: str) -> None:
    if not re.fullmatch(paths.MODEL_NAME, name):
        raise ValueError(f"{what} name {name!r} of {owner} is not in snake case")
