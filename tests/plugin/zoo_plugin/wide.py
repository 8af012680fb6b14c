"""A further preset of a family, as a package of its own might bring it."""

from __future__ import annotations

import dataclasses

from zoo_plugin.ringed.presets import PRESETS as KNOWN
from zoo_plugin.ringed.recipes import RECIPES as RECIPES_KNOWN

_NARROW = KNOWN[0]
NAME = "ringed_wide_rings"
PRESETS = (
    dataclasses.replace(
        _NARROW,
        name=NAME,
        config=dataclasses.replace(_NARROW.config, name=NAME, width=8),
        summary="rings and discs, twice as wide",
        parameters=114,
    ),
)
RECIPES = {NAME: RECIPES_KNOWN[_NARROW.name]}
