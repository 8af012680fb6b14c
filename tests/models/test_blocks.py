"""The pieces of the convolutional families."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest

from zoo.models import blocks


def test_pixels_are_normalised():
    inputs, x = blocks.image_input((2, 2, 2), mean=(100.0, 50.0), std=(10.0, 5.0))
    pixels = np.array([120.0, 40.0], "float32") * np.ones((1, 2, 2, 1), "float32")
    np.testing.assert_allclose(keras.Model(inputs, x).predict_on_batch(pixels)[0, 1, 1], [2.0, -2.0], rtol=1e-6)


def test_a_mean_a_channel():
    with pytest.raises(ValueError, match="got 3 and 3 for 1 channels"):
        blocks.image_input((8, 8, 1), mean=(1.0,) * 3, std=(1.0,) * 3)


def test_strided_windows_sit_symmetrically():
    """On an image of odd size, mirroring the image and a symmetric kernel mirrors the output."""
    inputs = keras.Input((9, 9, 1), name="image")
    model = keras.Model(inputs, blocks.conv(inputs, 1, 3, "conv", strides=2, initializer="ones"))
    image = np.random.default_rng(0).random((1, 9, 9, 1)).astype("float32")
    mirrored = model.predict_on_batch(image[:, ::-1, ::-1])
    np.testing.assert_allclose(mirrored[:, ::-1, ::-1], model.predict_on_batch(image), rtol=1e-6)
    assert mirrored.shape == (1, 5, 5, 1)


@pytest.mark.parametrize("size", [6, 7])
def test_subsampling_shortcut(size):
    inputs = keras.Input((size, size, 2), name="image")
    model = keras.Model(inputs, blocks.subsample_shortcut(inputs, 6, "shortcut"))
    image = np.random.default_rng(0).random((2, size, size, 2)).astype("float32")
    expected = np.pad(image[:, ::2, ::2], [(0, 0), (0, 0), (0, 0), (2, 2)])
    found = model.predict_on_batch(image)
    np.testing.assert_array_equal(found, expected[:, : found.shape[1], : found.shape[2]])
    assert found.shape[1] == size // 2 + size % 2


def test_shortcut_to_fewer_channels_is_refused():
    with pytest.raises(ValueError, match=r"more than the input's 4 .* got 2"):
        blocks.subsample_shortcut(keras.Input((4, 4, 4)), 2, "shortcut")


def test_head_or_features():
    inputs = keras.Input((5,), name="features")
    model = blocks.classify(inputs, inputs, name="m", num_classes=3)
    assert model.output_shape == (None, 3) and model.layers[-1].name == "head"
    assert np.abs(model.get_layer("head").get_weights()[0]).max() <= 5**-0.5
    assert blocks.classify(inputs, inputs, name="m", num_classes=3, include_head=False).output_shape == (None, 5)


BLOCKS = {
    "basic": (blocks.Blocks.basic, ("conv1", "conv2", "shortcut"), 8),
    "bottleneck": (blocks.Blocks.bottleneck, ("conv1", "conv2", "conv3", "shortcut"), 32),
    "inverted": (partial(blocks.Blocks.inverted, inner=12), ("expand", "project"), 8),
}


@pytest.mark.once
@pytest.mark.parametrize("kind", BLOCKS)
@pytest.mark.parametrize("strides", [1, 2])
def test_every_convolution_of_a_block_is_the_injected_one(kind, strides):
    called = []

    def conv(x, filters, kernel_size, name, *, strides=1):
        called.append(name)
        return blocks.conv(x, filters, kernel_size, name, strides=strides)

    block, names, channels = BLOCKS[kind]
    made = blocks.Blocks(conv=conv, norm=lambda x, name: x)
    x = block(made, keras.Input((8, 8, 4)), 8, "block", strides=strides)
    assert sorted(called) == sorted(f"block_{name}" for name in names)
    assert x.shape == (None, 8 // strides, 8 // strides, channels)
    # Where the shape stays nothing is projected.
    called.clear()
    block(made, keras.Input((8, 8, channels)), 8, "same", strides=1)
    assert "same_shortcut" not in called


@pytest.mark.once
def test_stages_halve_but_the_first():
    found = []

    def block(x, width, name, *, strides):
        found.append((name, width, strides))
        return x

    blocks.stack(None, block, (8, 16), (1, 2))
    assert found == [("stage1_block1", 8, 1), ("stage2_block1", 16, 2), ("stage2_block2", 16, 1)]


@pytest.mark.once
def test_an_initializer_serves_one_variable():
    made = blocks.Blocks(conv=partial(blocks.conv, initializer=keras.initializers.HeNormal))
    inputs = keras.Input((4, 4, 8))
    model = keras.Model(inputs, made.basic(inputs, 8, "block"))
    first, second = (np.asarray(model.get_layer(f"block_conv{i}").get_weights()[0]) for i in (1, 2))
    assert first.shape == second.shape and not np.allclose(first, second)
