from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.evaluation import toy
from zoo import hub
from zoo.hub import registry


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> keras.Model:
    """The trained toy, whose family is the only one."""
    monkeypatch.setattr(registry, "FAMILIES", ("tests.evaluation.toy",))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))
    made = toy.teach(hub.build("bars_mnistrot"))
    hub.compile_for_fine_tuning(made)
    return made


@pytest.fixture
def folder(model: keras.Model, tmp_path: Path) -> Path:
    """The toy as `zoo.save` writes it."""
    return hub.save(model, tmp_path / "saved")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder in which 3 of the 50 test labels are wrong."""
    labels = np.arange(50) % 10
    images = toy.bars(labels)[..., 0]
    labels[:3] = 9
    (tmp_path / "data" / "mnist_rot").mkdir(parents=True)
    half = {"x_test": images, "y_test": labels, "x_train": images, "y_train": labels}
    np.savez(tmp_path / "data" / "mnist_rot" / "mnist_rot.npz", **half)
    return tmp_path / "data"
