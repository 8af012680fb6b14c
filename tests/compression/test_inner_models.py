"""What is said of models within a model, whose convolutions are not seen."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import zoo


@pytest.fixture(scope="module")
def nested() -> keras.Model:
    """A classifier whose features are a model of their own."""
    inputs = layers.Input((8, 8, 3))
    body = keras.Model(inputs, layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs)), name="body")
    outer = layers.Input((8, 8, 3))
    return keras.Model(outer, layers.Dense(2)(layers.GlobalAveragePooling2D()(body(outer))), name="outer")


def test_the_inner_model_and_the_way_out_are_named(nested) -> None:
    words = r"does not look into the models within 'outer': 'body'.*\(model.get_layer\('body'\)\)"
    with pytest.raises(ValueError, match=f"Expected a convolution to convert.*to_synaptic {words}"):
        zoo.compression.to_synaptic(nested)
    with pytest.warns(UserWarning, match=f"stay as they are: fold {words}"):
        zoo.fold(nested)
    with pytest.warns(UserWarning, match=f"not counted: sparsity_report {words}"):
        zoo.compression.sparsity_report(nested)


def test_that_way_leads_out(nested) -> None:
    h = zoo.fold(nested.get_layer("body")).output
    for layer in nested.layers[2:]:
        h = layer(h)
    folded = keras.Model(keras.utils.get_source_inputs(h), h)
    x = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(folded.predict_on_batch(x), nested.predict_on_batch(x), atol=1e-5)


def test_a_pooling_within_the_inner_model_is_named() -> None:
    inputs, outer = layers.Input((8, 8, 3)), layers.Input((8, 8, 3))
    body = keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)), name="body")
    model = keras.Model(outer, layers.Dense(2)(body(outer)))
    with pytest.raises(ValueError, match="layer 'body'. Its pooling lies within it: .*include_top=False"):
        zoo.visual.cam(model, np.zeros((1, 8, 8, 3), "uint8"))
