"""An augmentation with an option."""

from __future__ import annotations

import numpy as np


def mirror(batch: np.ndarray, rng: np.random.Generator, *, share: float = 0.5) -> np.ndarray:
    """Turns a share of the images upside down."""
    chosen = rng.uniform(size=len(batch)) < share
    return np.where(chosen[:, None, None, None], batch[:, ::-1], batch)
