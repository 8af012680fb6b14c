"""Effective receptive fields."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.evaluation import effective_receptive_field
from zoo.layers import LogPolarConv2D, SharedBasisConv2D, SharedFilterBasis


def two_layers() -> keras.Model:
    inputs = keras.Input((15, 15, 1), name="image")
    x = LogPolarConv2D(1, 7, kernel_initializer="ones", name="first")(inputs)
    x = keras.layers.Conv2D(1, 3, padding="same", kernel_initializer="ones", name="second")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x))


def test_receptive_field_of_a_linear_layer_is_its_kernel() -> None:
    model, images = two_layers(), np.random.default_rng(1).normal(size=(2, 15, 15, 1))
    field = effective_receptive_field(model, images, "first")
    kernel = np.abs(keras.ops.convert_to_numpy(model.get_layer("first").dense_kernel())[..., 0, 0])
    np.testing.assert_allclose(field[4:11, 4:11], kernel / kernel.sum(), rtol=1e-5)
    assert (field > 0).sum() == 49
    behind = effective_receptive_field(model, images)  # the last map: that of the second layer
    assert (behind > 0).sum() == 81 and abs(behind.sum() - 1) < 1e-6


def test_what_has_no_receptive_field() -> None:
    model, images = two_layers(), np.zeros((1, 15, 15, 1))
    with pytest.raises(ValueError, match="no layer 'third'; it has .*second"):
        effective_receptive_field(model, images, "third")
    with pytest.raises(ValueError, match=r"Expected a feature map .*; that of 'pool' has \(None, 1\)"):
        effective_receptive_field(model, images, "pool")
    with pytest.raises(ValueError, match=r"zoo.load\(name\) gives; got 'lpsc_resnet20_cifar10'"):
        effective_receptive_field("lpsc_resnet20_cifar10", images)
    model.get_layer("second").kernel.assign(np.zeros((3, 3, 1, 1)))
    with pytest.raises(ValueError, match="gradient is zero"):
        effective_receptive_field(model, images)


@pytest.mark.parametrize("bases", [1, 2])
def test_a_kernel_that_a_layer_gives_is_no_map(bases: int) -> None:
    inputs = keras.Input((15, 15, 4))
    basis = SharedFilterBasis(5, bases=bases, name="basis")(inputs)
    x = SharedBasisConv2D(4, name="conv")(inputs, basis[0] if bases == 2 else basis)
    model, images = keras.Model(inputs, x), np.random.default_rng(1).normal(size=(1, 15, 15, 4))
    with pytest.raises(ValueError, match="Expected a feature map"):
        effective_receptive_field(model, images, "basis")
    assert (effective_receptive_field(model, images) > 0).sum() == 9
    with pytest.raises(ValueError, match=r"one or more images \(N, H, W, C\); got shape \(0, 15, 15, 4\)"):
        effective_receptive_field(model, images[:0])
