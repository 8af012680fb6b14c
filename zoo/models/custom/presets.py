"""None: users bring these networks themselves."""

from __future__ import annotations

from zoo.models.preset import Preset

PRESETS: tuple[Preset, ...] = ()
