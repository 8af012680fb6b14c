"""A toy data set in a folder, and a toy family with a recipe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo.hub import registry


@pytest.fixture(autouse=True)
def family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "FAMILIES", ("tests.training.toy",))
    monkeypatch.setenv("ZOO_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Files of MNIST-rot's layout with little in them: classes differ in the brightness of noise."""
    rng = np.random.default_rng(0)

    def split(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = (np.arange(count) % 10).astype("uint8")
        images = rng.integers(0, 25, (count, 28, 28)) + 25 * labels[:, None, None]
        return images.astype("uint8"), labels

    x, y = split(12_000)
    x_test, y_test = split(60)
    (tmp_path / "data" / "mnist_rot").mkdir(parents=True)
    np.savez(tmp_path / "data" / "mnist_rot" / "mnist_rot.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return tmp_path / "data"
