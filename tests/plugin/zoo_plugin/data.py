"""Rings and discs, drawn when they are asked for: a data set without files."""

from __future__ import annotations

import numpy as np

from zoo.datasets import DataSource

SIZE = 16
COUNTS = {"train": 64, "validation": 32, "test": 32}


def read(folder: None, split: str) -> tuple[np.ndarray, np.ndarray]:
    if split not in COUNTS:
        raise ValueError(f"Expected a split of rings, {', '.join(COUNTS)}; got {split!r}.")
    rng = np.random.default_rng([*COUNTS].index(split))
    labels = np.arange(COUNTS[split]) % 2
    y, x = np.mgrid[:SIZE, :SIZE]
    centres = rng.uniform(6, 9, (len(labels), 2, 1, 1))
    far = np.hypot(y - centres[:, 0], x - centres[:, 1])
    inside = np.where(labels == 0, 2.5, 0.0)[:, None, None]
    images = np.where((far < 5) & (far >= inside), 255, 0).astype("uint8")
    return images[..., None], labels


RINGS = DataSource(
    name="rings",
    read=read,
    license="CC0-1.0",
    note="Rings and discs, drawn: 64 images to train, 32 to choose, 32 to test.",
    classes=("ring", "disc"),
    shareable=True,
)
