from __future__ import annotations

from zoo.models.preset import Paper, Preset
from zoo_plugin.ringed.config import RingedConfig

PAPER = Paper(key="rings", title="Rings", authors="A. Drawer", venue="Desk", year=2026, url="https://example.org/rings")
PRESETS = (
    Preset(
        name="ringed_rings",
        config=RingedConfig(name="ringed_rings"),
        summary="rings and discs, a convolution with gains",
        paper=PAPER,
        dataset="rings",
        labels=("ring", "disc"),
        parameters=58,
    ),
)
