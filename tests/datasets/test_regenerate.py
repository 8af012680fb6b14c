from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from zoo.datasets.mnist_rot import regenerate
from zoo.datasets.rotation import rotate_images

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """70,000 blank digits but for a bar whose length tells the position in MNIST, and the set made from them."""
    images = np.zeros((70_000, 28, 28), np.uint8)
    images[:, 13, 4:24] = (np.arange(70_000) % 251 + 1)[:, None]
    labels = np.arange(70_000) % 10
    return images, labels, regenerate(images, labels)


def test_sizes_and_types(made):
    result = made[2]
    shapes = {key: (value.shape, value.dtype.name) for key, value in result.items()}
    for half, count in (("train", 12_000), ("test", 50_000)):
        assert shapes[f"x_{half}"] == ((count, 28, 28), "uint8")
        assert shapes[f"y_{half}"] == ((count,), "uint8")
        assert shapes[f"angle_{half}"] == ((count,), "float64")
        assert shapes[f"source_{half}"] == ((count,), "int32")
    assert len(result) == 8


def test_draws_are_those_of_the_published_file(made):
    """Hashes of `source_*` and `angle_*` of the file whose SHA-256 begins 9d5fc5dd."""
    result = made[2]
    source = np.concatenate([result["source_train"], result["source_test"]])
    angle = np.concatenate([result["angle_train"], result["angle_test"]])
    assert hashlib.sha256(source.astype("<i4").tobytes()).hexdigest() == SOURCE
    assert hashlib.sha256(angle.astype("<f8").tobytes()).hexdigest() == ANGLE


@pytest.mark.parametrize("half", ["train", "test"])
def test_every_image_is_its_source_turned_by_its_angle(made, half):
    images, labels, result = made
    source, angle = result[f"source_{half}"][:200], result[f"angle_{half}"][:200]
    np.testing.assert_array_equal(result[f"y_{half}"][:200], labels[source])
    np.testing.assert_array_equal(result[f"x_{half}"][:200], rotate_images(images[source][..., None], angle)[..., 0])


def test_refuses_half_of_mnist():
    with pytest.raises(ValueError, match="training images followed by its test images"):
        regenerate(np.zeros((60_000, 28, 28), np.uint8), np.zeros(60_000))


SOURCE = "f76aa1b6e554f74581fcc5eca1091160ea79e05f702c24cfdafb82291dc7b1c9"
ANGLE = "db59da32a8a36a085c45dac56a9f772de131da2af3dab020c6d3d2947d1b34fe"


@pytest.mark.skipif(
    not Path(os.environ.get("ZOO_DATA", "/nowhere"), "mnist_rot", "mnist_rot.npz").is_file(),
    reason="set ZOO_DATA to a folder with mnist_rot/mnist_rot.npz to compare with the published file",
)
def test_draws_equal_the_file(made):
    with np.load(Path(os.environ["ZOO_DATA"], "mnist_rot", "mnist_rot.npz")) as published:
        for key in ("source_train", "source_test", "angle_train", "angle_test"):
            np.testing.assert_array_equal(made[2][key], published[key])
