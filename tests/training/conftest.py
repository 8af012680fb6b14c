"""A toy data set in a folder, and a small model with a recipe."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def data(tmp_path):
    """MNIST-rot's layout with 400 + 100 tiny training images and 60 test images: classes differ in brightness."""
    rng = np.random.default_rng(0)

    def split(count):
        labels = (np.arange(count) % 10).astype("uint8")
        images = rng.integers(0, 25, (count, 28, 28)) + 25 * labels[:, None, None]
        return images.astype("uint8"), labels

    x, y = split(12_000)
    x_test, y_test = split(60)
    (tmp_path / "mnist_rot").mkdir()
    np.savez(tmp_path / "mnist_rot" / "mnist_rot.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return tmp_path
