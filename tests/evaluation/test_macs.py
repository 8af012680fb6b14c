"""Multiply-accumulates: every kind of layer by hand, and what is not known by name."""

import warnings

import keras
import pytest

import zoo
from zoo.evaluation import count_macs

pytestmark = pytest.mark.once

layers = keras.layers
MAP, ROW, ROOM = (16, 16, 8), (12, 6), (4, 6, 8, 2)


def one(layer, *shapes):
    inputs = [keras.Input(shape, name=f"input{index}") for index, shape in enumerate(shapes)]
    return keras.Model(inputs, layer(*inputs), name="one")


def both(layer, *shapes):
    """Of a layer that takes a list."""
    return one(lambda *inputs: layer(list(inputs)), *shapes)


PIXELS = 16 * 16
SINGLE = {
    "conv1d": (layers.Conv1D(5, 3, padding="same"), ROW, 12 * 3 * 6 * 5),
    "conv2d": (layers.Conv2D(4, (3, 5), strides=2), MAP, 7 * 6 * 15 * 8 * 4),
    "grouped": (layers.Conv2D(4, 3, padding="same", groups=2), MAP, PIXELS * 9 * 4 * 4),
    "dilated": (layers.Conv2D(4, 3, dilation_rate=2), MAP, 12 * 12 * 9 * 8 * 4),
    "conv3d": (layers.Conv3D(3, 2), ROOM, 3 * 5 * 7 * 8 * 2 * 3),
    "depthwise1d": (layers.DepthwiseConv1D(3, depth_multiplier=2, padding="same"), ROW, 12 * 3 * 6 * 2),
    "depthwise2d": (layers.DepthwiseConv2D(3, depth_multiplier=2, strides=2), MAP, 7 * 7 * 9 * 8 * 2),
    "separable1d": (layers.SeparableConv1D(5, 3, padding="same"), ROW, 12 * (3 * 6 + 6 * 5)),
    "separable2d": (layers.SeparableConv2D(8, 3, padding="same"), MAP, PIXELS * (72 + 64)),
    "multiplied": (layers.SeparableConv2D(5, 3, 2, depth_multiplier=3), MAP, 7 * 7 * (9 * 24 + 24 * 5)),
    "transposed1d": (layers.Conv1DTranspose(5, 3, strides=2), ROW, 12 * 3 * 6 * 5),
    "transposed2d": (layers.Conv2DTranspose(8, 3, strides=2, padding="same"), MAP, PIXELS * 9 * 64),
    "transposed3d": (layers.Conv3DTranspose(3, 2), ROOM, 4 * 6 * 8 * 8 * 2 * 3),
    "dense": (layers.Dense(5), MAP, PIXELS * 8 * 5),
    "einsum": (layers.EinsumDense("abc,cd->abd", output_shape=(None, 7)), ROW, 12 * 6 * 7),
    "ellipsis": (layers.EinsumDense("...x,xy->...y", output_shape=(7,)), MAP, PIXELS * 8 * 7),
    "heads": (layers.EinsumDense("btd,dhk->bthk", output_shape=(None, 2, 3)), ROW, 12 * 6 * 2 * 3),
    "simple": (layers.SimpleRNN(5), ROW, 12 * 5 * (6 + 5)),
    "gru": (layers.GRU(5, return_sequences=True), ROW, 12 * 3 * 5 * (6 + 5)),
    "lstm": (layers.LSTM(5), ROW, 12 * 4 * 5 * (6 + 5)),
    "cells": (layers.RNN([layers.LSTMCell(5), layers.GRUCell(4)]), ROW, 12 * (4 * 5 * 11 + 3 * 4 * 9)),
    "bidirectional": (layers.Bidirectional(layers.LSTM(5, return_sequences=True)), ROW, 2 * 12 * 4 * 5 * 11),
    "conv_lstm": (layers.ConvLSTM1D(3, 3, padding="same"), (5, 8, 2), 5 * 8 * 3 * (2 + 3) * 4 * 3),
    "timed dense": (layers.TimeDistributed(layers.Dense(8)), MAP, PIXELS * 64),
    "timed conv": (layers.TimeDistributed(layers.Conv1D(5, 3)), (4, 10, 6), 4 * 8 * 3 * 6 * 5),
    "spectral": (layers.SpectralNormalization(layers.Dense(5)), ROW, 12 * 6 * 5),
    "pooling": (layers.MaxPooling2D(), MAP, 0),
    "norm": (layers.LayerNormalization(), MAP, 0),
    "synaptic": (zoo.layers.SynapticConv2D(4, 3), MAP, 14 * 14 * 9 * 8 * 4),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SINGLE)
def test_single_layers(name):
    layer, shape, expected = SINGLE[name]
    assert count_macs(one(layer, shape)) == expected


@pytest.mark.filterwarnings("error")
def test_attention():
    query, value = (10, 6), (7, 4)
    heads = layers.MultiHeadAttention(3, 5, value_dim=2)
    scores = 3 * 10 * 7 * (5 + 2)
    projections = 3 * (10 * 6 * 5 + 7 * 4 * 5 + 7 * 4 * 2 + 10 * 2 * 6)
    assert count_macs(one(heads, query, value)) == projections + scores
    assert count_macs(one(lambda q, v: heads(value=v, query=q), query, value)) == projections + scores
    image = layers.MultiHeadAttention(2, 5, attention_axes=2)
    lines = 2 * (4 * 30 * 6 * 5 + 2 * 30 * 6 * 5)  # four projections, and products along the lines of 6 pixels
    assert count_macs(one(lambda x: image(x, x), (5, 6, 6))) == lines
    grouped = layers.GroupQueryAttention(5, 4, 2)
    expected = 4 * 5 * 10 * (6 + 6) + 2 * 5 * 7 * (6 + 6) + 2 * 4 * 10 * 7 * 5
    assert count_macs(one(grouped, query, (7, 6))) == expected
    for kind in (layers.Attention, layers.AdditiveAttention):
        assert count_macs(both(kind(), (10, 6), (7, 6))) == 10 * 7 * (6 + 6)
    assert count_macs(both(layers.Dot(axes=2), (10, 6), (7, 6))) == 10 * 7 * 6


@pytest.mark.filterwarnings("error")
def test_operations_and_embeddings():
    assert count_macs(one(lambda x, y: keras.ops.matmul(x, y), (10, 6), (6, 7))) == 10 * 6 * 7
    assert count_macs(one(lambda x, y: keras.ops.einsum("bij,bkj->bik", x, y), (10, 6), (7, 6))) == 10 * 6 * 7
    assert count_macs(one(lambda x: keras.ops.relu(x) + 1, (10, 6))) == 0
    tied = layers.ReversibleEmbedding(11, 4)
    words = keras.Input((5,), dtype="int32")
    assert count_macs(keras.Model(words, tied(tied(words), reverse=True))) == 5 * 4 * 11


@pytest.mark.filterwarnings("error")
def test_models_within_models_count_at_the_size_that_they_are_called_with():
    inner_input = keras.Input((None, None, 3))
    inner = keras.Model(inner_input, layers.Conv2D(4, 3, padding="same", strides=2)(inner_input))
    row = keras.Sequential([layers.Conv2D(5, 3, padding="same"), layers.ReLU(), layers.Flatten(), layers.Dense(2)])
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, row(inner(inputs)))
    expected = 8 * 8 * 9 * 3 * 4 + 8 * 8 * 9 * 4 * 5 + 8 * 8 * 5 * 2
    assert count_macs(model) == expected
    twice = keras.Model(inputs, [inner(inputs), inner(layers.UpSampling2D()(inputs))])
    assert count_macs(twice) == 5 * 8 * 8 * 9 * 3 * 4
    timed = keras.Input((7, 16, 16, 3))
    assert count_macs(keras.Model(timed, layers.TimeDistributed(model)(timed))) == 7 * expected
    plain = keras.Sequential([keras.Input((16, 16, 8)), layers.Conv2D(8, 3)])
    assert count_macs(plain) == 14 * 14 * 9 * 64


class Doubled(layers.Dense):
    def call(self, inputs, training=None):
        return super().call(super().call(inputs))


class Renamed(layers.Dense):
    """The same arithmetic under another name."""


class Own(layers.Layer):
    def call(self, inputs):
        return keras.ops.matmul(inputs, keras.ops.transpose(inputs, (0, 2, 1)))


class Counted(Own):
    def macs(self, input_shape):
        return input_shape[1] * input_shape[1] * input_shape[2]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Doubled(6, name="twice"), r"twice \(Doubled\)"),
        (Own(name="gram"), r"gram \(Own\)"),
        (layers.Lambda(lambda x: x @ x, output_shape=(6, 6), name="square"), r"square \(Lambda\)"),
        (layers.TimeDistributed(Doubled(6, name="inside")), r"inside \(Doubled\)"),
        (layers.RNN(layers.LSTMCell(3), name="known"), None),
        (Renamed(5), None),
        (Counted(), None),
        (lambda x: keras.ops.tensordot(x, x, 0), r"tensordot\S* \(Tensordot\)"),
        (lambda x: keras.ops.linalg.norm(x, axis=-1), r"norm\S* \(Norm\)"),
    ],
)
def test_what_is_not_known_is_named(layer, words):
    model = one(layer, (6, 6))
    if words is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert count_macs(model) > 0
        return
    with pytest.warns(UserWarning, match=f"counted nothing for them: {words}"):
        count_macs(model)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(ValueError, match="known sizes to count with; layer 'conv'"):
        count_macs(one(layers.Conv2D(2, 3, name="conv"), (None, None, 3)))
    for model in (keras.Model(), keras.Sequential([layers.Dense(3)])):
        with pytest.raises(ValueError, match="functional or a built Sequential model"):
            count_macs(model)
