from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def tiny_root(tmp_path: Path) -> Path:
    """A data folder with 24 training and 10 test images in the npz layout."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "data" / "mnist_rot"
    folder.mkdir(parents=True)
    arrays = {
        "x_train": rng.integers(0, 256, (24, 28, 28), dtype=np.uint8),
        "y_train": np.arange(24, dtype=np.uint8) % 10,
        "x_test": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "y_test": np.arange(10, dtype=np.uint8),
    }
    np.savez_compressed(folder / "mnist_rot.npz", **arrays)
    return tmp_path / "data"
