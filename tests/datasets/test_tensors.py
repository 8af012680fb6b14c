from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from zoo.datasets import rotate_tensor
from zoo.datasets.rotation import rotate_images


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function under XLA where the backend has it; torch runs it as it is."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(function)
    return function


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).random((5, 9, 12, 3), np.float32)


@pytest.mark.parametrize("jit", [False, True])
def test_agrees_with_the_numpy_rotation(jit):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 15, 11, 2), dtype=np.uint8)
    degrees = np.array([0.0, 17.0, 90.0, 143.5, 250.0, 359.0])
    function = compiled(rotate_tensor) if jit else rotate_tensor
    turned = keras.ops.convert_to_numpy(function(pixels.astype("float32"), np.deg2rad(degrees).astype("float32")))
    # The NumPy rotation works in float64 and rounds to whole numbers.
    assert np.abs(turned - rotate_images(pixels, degrees)).max() < 0.5 + 1e-3


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_quarter_turns(interpolation):
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    for quarters in range(4):
        turned = keras.ops.convert_to_numpy(rotate_tensor(images, quarters * np.pi / 2, interpolation=interpolation))
        np.testing.assert_allclose(turned, np.rot90(images, quarters, axes=(1, 2)), atol=1e-5)


def test_images_are_turned_one_by_one(images):
    angles = np.linspace(0, 5, 5).astype("float32")
    together = keras.ops.convert_to_numpy(rotate_tensor(images, angles))
    for index, angle in enumerate(angles):
        alone = keras.ops.convert_to_numpy(rotate_tensor(images[index : index + 1], angle))
        np.testing.assert_allclose(together[index], alone[0], atol=1e-6)


def test_the_last_of_many_is_as_exact_as_the_first():
    many = np.repeat(np.random.default_rng(0).random((1, 28, 28, 1), np.float32), 600, axis=0)
    turned = keras.ops.convert_to_numpy(rotate_tensor(many, np.float32(0.3)))
    np.testing.assert_allclose(turned[-1], turned[0], atol=1e-6)


def test_types(images):
    def dtype(batch: Any) -> str:
        return keras.backend.standardize_dtype(rotate_tensor(batch, 0.1).dtype)

    assert dtype(images) == "float32"
    assert dtype(keras.ops.cast(images, "float16")) == "float16"
    assert dtype((images * 255).astype("uint8")) == keras.config.floatx()


@pytest.mark.parametrize("shape", [(9, 12, 3), (2, 2, 9, 12, 3)])
def test_refuses_other_ranks(shape):
    with pytest.raises(ValueError, match=r"\(B, H, W, C\) with known H, W and C; got"):
        rotate_tensor(np.zeros(shape, "float32"), 0.1)


def test_refuses_other_interpolation(images):
    with pytest.raises(ValueError, match="one of .'bilinear', 'nearest'.; got 'cubic'"):
        rotate_tensor(images, 0.1, interpolation="cubic")
