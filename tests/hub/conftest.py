"""Every test here sees only the toy family, an empty weights folder and an empty cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from zoo.hub import loading, registry, saving


@pytest.fixture(autouse=True)
def weights_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(registry, "FAMILIES", ("tests.hub.toy",))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "weights"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (4, 8, 8, 1), dtype="uint8")


@pytest.fixture
def facts() -> dict[str, Any]:
    """What a training run tells `publish`."""
    return {
        "dataset": {"name": "toys", "split": "train", "license": "CC0-1.0", "note": ""},
        "metrics": [
            {
                "name": "error",
                "split": "test",
                "value": 1.5,
                "unit": "%",
                "seeds": [0, 1],
                "values": [1.5, 1.7],
                "mean": 1.6,
                "std": 0.1,
                "paper_value": None,
                "paper_note": None,
                "command": "zoo evaluate toy_w4_shelf",
            }
        ],
        "recipe": {"epochs": 1},
        "training": {
            "seed": 0,
            "minutes": 0.1,
            "hardware": "a desk",
            "versions": {"keras": keras.__version__},
            "date": "2026-01-01",
            "commit": None,
            "selection": "last",
        },
        "symmetry": None,
        "license": "Apache-2.0",
    }


def randomise(model: keras.Model, seed: int = 0) -> keras.Model:
    """Fill every weight, moving statistics included, with values that a fresh model does not have."""
    generator = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(generator.uniform(0.5, 1.5, weight.shape).astype("float32"))
    return model


@pytest.fixture
def toy() -> keras.Model:
    return randomise(loading.build("toy_w4_shelf"))


@pytest.fixture
def published(toy: keras.Model, facts: dict[str, Any], images: np.ndarray) -> Path:
    """The folder of `toy_w4_shelf.v1`."""
    return saving.publish(toy, "v1", card=facts, inputs=images, history="epoch,loss\n1,0.5\n")


def values(model: keras.Model) -> dict[str, np.ndarray]:
    return {w.path: keras.ops.convert_to_numpy(w.value) for w in model.weights}
