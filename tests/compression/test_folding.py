"""Folding changes the layers of a model and not its outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import randomize

layers = keras.layers


def difference(model: keras.Model, folded: keras.Model, inputs: Any) -> float:
    expected, actual = (np.asarray(m.predict_on_batch(inputs)) for m in (model, folded))
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def kinds(model: keras.Model) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def plain_net() -> keras.Model:
    """Every foldable pair, and places where nothing may be folded."""
    x = inputs = keras.Input((9, 9, 3))
    x = layers.Conv2D(6, 3, strides=2, use_bias=False, name="a")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="a_norm", scale=False)(x))
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", name="b")(x)
    x = layers.BatchNormalization(name="b_norm", center=False)(x)
    x = layers.Conv2D(8, 1, groups=2, name="c")(x)
    branch = layers.BatchNormalization(name="c_norm")(x)  # c is read twice: stays
    x = layers.Add()([x, branch])
    x = layers.Conv2D(8, 3, activation="relu", name="d")(x)
    x = layers.BatchNormalization(name="d_norm")(x)  # behind an activation: stays
    shared = layers.Conv2D(8, 1, name="e")
    x = layers.BatchNormalization(name="e_norm")(shared(shared(x)))  # e serves twice: stays
    x = layers.Dropout(0.5, name="drop")(layers.GlobalAveragePooling2D()(x))
    x = layers.BatchNormalization(name="f_norm")(layers.Dense(5, name="f")(x))
    return keras.Model(inputs, x)


def test_stock_layers_fold_exactly_where_they_may() -> None:
    model = plain_net()
    randomize(model, 0)
    folded = zoo.fold(model)
    assert difference(model, folded, np.random.default_rng(0).normal(size=(2, 9, 9, 3))) < 1e-5
    names = {layer.name for layer in folded.layers}
    assert names >= {"a", "b", "c_norm", "d_norm", "e_norm", "f"}
    assert not names & {"a_norm", "b_norm", "f_norm", "drop"}


@pytest.mark.parametrize("group", ["p4", "p4m"])
def test_group_convolutions_become_stock_ones(group: str) -> None:
    x = inputs = keras.Input((9, 9, 2))
    x = zoo.layers.LiftingConv2D(3, 3, group=group, strides=2, use_bias=True)(x)
    x = layers.ReLU()(zoo.layers.GBatchNormalization(group)(x))
    x = zoo.layers.GDropout(0.2, group)(x)
    x = zoo.layers.GConv2D(2, 3, group=group, padding="valid")(x)
    model = keras.Model(inputs, zoo.layers.GBatchNormalization(group)(x))
    randomize(model, 1)
    folded = zoo.fold(model)
    assert difference(model, folded, np.random.default_rng(1).normal(size=(2, 9, 9, 2))) < 1e-5
    assert kinds(folded) == ["InputLayer", "ZeroPadding2D", "Conv2D", "ReLU", "Conv2D"]


@pytest.mark.parametrize("name", ["e4net_mnistrot", "gcnn_mnistrot"])
def test_registered_models_fold(name: str) -> None:
    model = zoo.load(name, weights=None)
    randomize(model, 2)
    images = np.random.default_rng(2).integers(0, 256, (2, 28, 28, 1), "uint8")
    folded = zoo.fold(model)
    assert difference(model, folded, images) < 1e-5
    assert len(folded.layers) < len(model.layers)
    assert zoo.predict(folded, images, top=1)[0][0].label in "0123456789"
    if name == "gcnn_mnistrot":
        assert not {"GConv2D", "LiftingConv2D", "GBatchNormalization", "GDropout"} & set(kinds(folded))


class Centered(layers.Conv2D):
    """A convolution of kernels whose mean is 0."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        return super().convolution_op(inputs, kernel - keras.ops.mean(kernel, axis=(0, 1, 2)) + 1.0)


def test_a_convolution_of_ones_own_keeps_its_normalization() -> None:
    inputs = keras.Input((6, 6, 3))
    model = keras.Model(inputs, layers.BatchNormalization()(Centered(4, 3)(inputs)))
    randomize(model, 5)
    assert difference(model, zoo.fold(model), np.random.default_rng(5).normal(size=(2, 6, 6, 3))) < 1e-5


def test_the_model_itself_is_left_alone() -> None:
    model = plain_net()
    randomize(model, 3)
    before = [np.array(value) for value in model.get_weights()]
    folded = zoo.fold(model)
    folded.set_weights([np.zeros_like(value) for value in folded.get_weights()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_keras_applications_fold() -> None:
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=7)
    randomize(model, 4)
    folded = zoo.fold(model)
    assert "BatchNormalization" not in kinds(folded)
    assert difference(model, folded, np.random.default_rng(4).normal(size=(2, 32, 32, 3))) < 1e-4


def test_what_cannot_be_folded_is_refused() -> None:
    with pytest.raises(ValueError, match="functional Keras model"):
        zoo.fold("e4net_mnistrot")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="functional Keras model"):
        zoo.fold(keras.Model())
    with pytest.raises(ValueError, match="do not fit"):
        zoo.save(zoo.fold(zoo.build("gcnn_mnistrot")), "unused")
