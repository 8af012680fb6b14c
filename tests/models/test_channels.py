"""Trained weights on pictures of other channels, and dropout before the head."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.hub import channels

pytestmark = pytest.mark.once

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (2, 32, 32, 1)).astype("float32")


def logits(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


def test_grey_pictures_give_what_they_give_in_equal_channels(tmp_path):
    with pytest.warns(UserWarning, match=r"3 channels; for 1 the first kernel \(stem/kernel\) is summed"):
        grey = zoo.load("efficientnet_lite0_imagenet", input_shape=(32, 32, 1), compile=False)
    colour = zoo.load("efficientnet_lite0_imagenet", input_shape=(32, 32, 3), compile=False)
    wanted = logits(colour, np.repeat(GREY, 3, axis=-1))
    np.testing.assert_allclose(logits(grey, GREY), wanted, rtol=1e-3, atol=1e-3)
    with pytest.warns(UserWarning, match=r"repeated and scaled by 3/5"):
        bands = zoo.load("efficientnet_lite0_imagenet", input_shape=(32, 32, 5), compile=False)
    kernel, old = (keras.ops.convert_to_numpy(m.get_layer("stem").kernel) for m in (bands, colour))
    assert kernel.shape == (3, 3, 5, 32)
    np.testing.assert_allclose(kernel[:, :, 4], old[:, :, 1] * 0.6, rtol=1e-6)


def test_the_constants_follow_and_are_kept(tmp_path):
    with pytest.warns(UserWarning, match="constants of the normalization follow"):
        grey = zoo.load("resnet32_cifar10", input_shape=(32, 32, 1), compile=False)
    old = zoo.hub.find_preset("resnet32_cifar10").config
    assert grey.origin.config.mean == (pytest.approx(np.mean(old.mean)),) and len(grey.origin.config.std) == 1
    colour = zoo.load("resnet32_cifar10", compile=False)
    smooth = np.clip(GREY * 0.2 + RNG.uniform(60, 160, (2, 1, 1, 1)), 0, 255).astype("float32")
    # the means of CIFAR's channels differ by 17 of 255: all but that is the same
    assert np.abs(logits(grey, smooth) - logits(colour, np.repeat(smooth, 3, axis=-1))).max() < 1.5
    zoo.save(grey, tmp_path / "grey")
    again = zoo.load(tmp_path / "grey", compile=False)
    np.testing.assert_allclose(logits(again, smooth), logits(grey, smooth), rtol=1e-5, atol=1e-5)


def test_one_channel_becomes_three_and_the_answer_stays():
    with pytest.warns(UserWarning, match=r"\(conv1/kernel\) is repeated and scaled by 1/3"):
        colour = zoo.load("e4net_mnistrot", input_shape=(28, 28, 3), compile=False)
    grey = zoo.load("e4net_mnistrot", compile=False)
    images = GREY[:, :28, :28]
    found = logits(colour, np.repeat(images, 3, axis=-1))
    np.testing.assert_allclose(found, logits(grey, images), rtol=1e-4, atol=1e-4)


def test_log_polar_layers_are_summed_too():
    with pytest.warns(UserWarning, match="stem/center_kernel, stem/kernel"):
        grey = zoo.load("lpsc_resnet20_cifar10", input_shape=(32, 32, 1), compile=False)
    assert grey.get_layer("stem").center_kernel.shape == (1, 16)


def test_networks_that_make_colour_themselves_take_their_weights_as_they_are():
    tensors = {"stem/kernel": np.ones((3, 3, 3, 2), "float32")}
    config = zoo.hub.find_preset("scene_efficientnet_lite0_sun16").config
    grey = zoo.hub.registry.replace_config(config, input_shape=(None, None, 1))
    assert channels.adapt(tensors, tensors, config, grey, source="x") == tensors


def test_weights_that_know_single_channels_are_refused_by_name():
    with pytest.raises(ValueError, match=r"for 3 channels and cannot be taken for 1: \w+/(direction|strength)"):
        zoo.load("synaptic_vgg16_narrow_p90_cifar10", input_shape=(32, 32, 1))


def test_untrained_networks_of_other_channels_are_built(recwarn):
    assert zoo.build("resnet32_cifar10", input_shape=(32, 32, 1)).origin.config.mean == (114.495,)
    assert zoo.load("resnet32_cifar10", weights=None, input_shape=(32, 32, 4)).input_shape[-1] == 4
    assert not [warning for warning in recwarn if "channels" in str(warning.message)]


def test_dropout_before_the_head():
    for name in ("resnet32_cifar10", "e4net_mnistrot", "lpsc_vgg11_bn_half_cifar10", "scene_resnet18_narrow_scene15"):
        model = zoo.load(name, head_dropout=0.4, compile=False)
        assert model.get_layer("head_dropout").rate == 0.4 and model.origin.config.head_dropout == 0.4
        assert zoo.features(model).output_shape[-1] == model.get_layer("head").kernel.shape[0]
    assert zoo.load("efficientnet_lite0_imagenet", dropout=0.5, weights=None).get_layer("head_dropout").rate == 0.5
    with pytest.raises(ValueError, match="no field 'head_dropout'. Did you mean 'dropout'"):
        zoo.load("efficientnet_lite0_imagenet", head_dropout=0.5)
