"""Zoo's models compute the same whatever order of channels Keras is set to, before or after they are built."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.testing import assert_close

MODELS = {
    "e4net_mnistrot": {"input_shape": (8, 8, 1), "width": 4},
    "resnet32_cifar10": {"input_shape": (3, 16, 3)},
    "lpsc_vgg11_cifar10": {"width": 2, "input_shape": (32, 32, 3)},
    "shared_basis_resnet32_s16u1_cifar10": {"input_shape": (16, 16, 3)},
    "scene_resnet18_narrow_scene15": {"input_shape": (32, 32, 1)},
    "synaptic_vgg16_narrow_cifar10": {},
}


@pytest.fixture
def channels_first():
    """Keras's global setting, put back afterwards."""
    before = keras.config.image_data_format()
    yield lambda: keras.config.set_image_data_format("channels_first")
    keras.config.set_image_data_format(before)


@pytest.mark.parametrize("name", MODELS)
def test_models_do_not_follow_the_global_order(name, channels_first) -> None:
    keras.utils.set_random_seed(0)
    model = zoo.build(name, **MODELS[name])
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
    expected = keras.ops.convert_to_numpy(model(images, training=False))
    channels_first()
    assert_close(model(images, training=False), expected, 0.0, name="set after building")
    again = zoo.build(name, **MODELS[name])
    again.set_weights(model.get_weights())
    assert_close(again(images, training=False), expected, 0.0, name="set before building")
