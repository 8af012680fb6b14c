"""The LPSC networks: sizes, golden tensors, folding, segmentation."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import gradients, randomize
from tests.models.lpsc import reference
from tests.sweeping import swept
from zoo import hub
from zoo.evaluation import segmentation_scores
from zoo.models.lpsc import PRESETS, LPSCAlexNetConfig, LPSCDeepLabConfig, LPSCResNetConfig, LPSCVGGConfig, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "lpsc"
BY_NAME = {preset.name: preset for preset in PRESETS}
IMAGENET = {"input_shape": (64, 64, 3), "num_classes": 1000, "small": False, "depth": 18}
NETWORKS = {
    "alexnet_lpc_c10": (LPSCAlexNetConfig(), reference.ALEXNET),
    "vgg19_bn_lpc_c10": (LPSCVGGConfig(depth=19), reference.vgg((2, 2, 4, 4, 4))),
    "resnet20_lpc_c10": (LPSCResNetConfig(depth=20), reference.STEM),
    "resnet20_lpsc_cc_c100": (LPSCResNetConfig(depth=20, num_classes=100, log_polar="cross"), reference.CROSS),
    "resnet18_lpc_in1000": (LPSCResNetConfig(**IMAGENET), reference.STEM),
}


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


# The deeper ones add nothing but blocks, and take seconds each to build on JAX.
DEEP = [name for name in BY_NAME if re.search("resnet(32|44|56|110)_", name)]


@pytest.mark.once
@pytest.mark.parametrize(
    "name",
    [*swept(name for name in BY_NAME if name not in DEEP), *(pytest.param(n, marks=pytest.mark.large) for n in DEEP)],
)
def test_parameters(name):
    assert trainable(build(BY_NAME[name].config)) == BY_NAME[name].parameters


@pytest.mark.parametrize("tag", NETWORKS)
def test_networks_match_the_reference(tag):
    golden = load_golden(FOLDER / f"model_{tag}.npz")
    config, layers = NETWORKS[tag]
    model = build(config)
    assert trainable(model) == int(golden["num_params"])
    paths = {variable.path for variable in model.variables}
    weights = reference.regenerate(golden, layers, paths)
    for variable in model.variables:
        variable.assign(weights.pop(variable.path))
    assert not weights
    core = keras.Model(model.get_layer("normalize").output, model.output)
    # The fixtures hold gradients of mean(logits^2), `gradients` gives those of sum(logits^2).
    outputs, input_gradient, found = gradients(core, golden["x"].transpose(0, 2, 3, 1))
    assert_close(outputs, golden["logits"], 1e-5, name="logits")
    count, rel = golden["logits"].size, 2e-3 if "vgg" in tag else 5e-5
    assert_close(input_gradient / count, golden["g_x"].transpose(0, 2, 3, 1), rel, name="input gradient")
    expected = {name.removeprefix("g__"): value for name, value in golden.items() if name.startswith("g__")}
    assert expected
    for name, value in expected.items():
        path, kind, part = reference.find(name, layers)
        value = reference.layout(value, kind, part)
        assert_close(found[reference.only_bias(path, paths)] / count, value, rel, name=name)
    for name, norm in zip(golden["grad_norm_names"], golden["grad_norms"], strict=True):
        path = reference.only_bias(reference.find(str(name), layers)[0], paths)
        assert_close(np.linalg.norm(found[path]) / count, norm, rel, name=path)


@pytest.fixture(scope="module")
def segmenter():
    return zoo.build("lpsc_deeplabv3plus_mobilenetv2_voc2012", input_shape=(33, 49, 3), num_classes=4)


@pytest.mark.once
def test_segmentation_model(segmenter):
    """Logits for every pixel; classes of an image by the share of it that they fill."""
    model = segmenter
    logits = keras.ops.convert_to_numpy(model(np.random.default_rng(0).integers(0, 256, (2, 33, 49, 3), "uint8")))
    assert logits.shape == (2, 33, 49, 4)
    found = zoo.decode(model, logits, top=4)
    assert len(found) == 2 and abs(sum(one.probability for one in found[0]) - 1) < 1e-6
    certain = 99.0 * np.eye(4)[np.repeat([1, 3, 3, 3], 4).reshape(1, 4, 4)]
    first, second = zoo.decode(model, certain, top=2)[0]
    assert (first.index, second.index) == (3, 1) and abs(first.probability - 0.75) < 1e-6
    assert zoo.features(model).output_shape == (None, 9, 13, 256)


def test_pixels_without_label_do_not_count_in_training(segmenter):
    """Compiled as DeepLab is for fine-tuning, on a network of one layer."""
    inputs = keras.Input((5, 6, 3))
    model = hub.with_origin(keras.Model(inputs, keras.layers.Conv2D(4, 1, name="head")(inputs)), segmenter.origin)
    hub.compile_for_fine_tuning(model)
    images = np.random.default_rng(0).normal(size=(2, 5, 6, 3))
    labels = np.random.default_rng(1).integers(0, 4, (2, 5, 6))
    labels[:, :, ::3] = 255
    logits = model.predict_on_batch(images).astype("float64")
    counted = labels != 255
    losses = np.log(np.exp(logits).sum(axis=-1))[counted] - np.take_along_axis(
        logits[counted], labels[counted][:, None], axis=-1
    ).squeeze(-1)
    measured = model.evaluate(images, labels, verbose=0, return_dict=True)
    assert abs(measured["loss"] - losses.mean()) < 1e-5
    assert abs(measured["mean_iou"] - segmentation_scores(logits, labels)["mean_iou"]) < 1e-5
    assert np.isfinite(model.train_on_batch(images, labels)).all()


@pytest.mark.large
def test_segmentation_model_trains(segmenter):
    """On strips of the image: labels drawn at random would be learned in four steps by luck only."""
    model = segmenter
    hub.compile_for_fine_tuning(model)
    images = np.random.default_rng(0).integers(0, 256, (2, 33, 49, 3), "uint8")
    strips = np.broadcast_to(np.arange(49) * 4 // 49, (2, 33, 49))
    losses = model.fit(images, strips, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("config", "parameters"),
    [
        (LPSCResNetConfig(depth=20, num_classes=100), 278_548),
        pytest.param(LPSCResNetConfig(depth=32, num_classes=100, log_polar="cross"), 475_468, marks=pytest.mark.large),
        (LPSCAlexNetConfig(num_classes=100), 2_329_764),
        pytest.param(LPSCVGGConfig(depth=19, num_classes=100), 20_124_580, marks=pytest.mark.large),
        pytest.param(LPSCVGGConfig(depth=19, norm=False, log_polar=False), 20_029_514, marks=pytest.mark.large),
        pytest.param(LPSCVGGConfig(depth=16, num_classes=100), 14_812_324, marks=pytest.mark.large),
        pytest.param(LPSCVGGConfig(depth=11, log_polar=False), 9_231_114, marks=pytest.mark.large),
        pytest.param(LPSCResNetConfig(depth=110, log_polar=None, num_classes=100), 1_736_564, marks=pytest.mark.large),
    ],
)
def test_other_settings_have_the_parameters_of_the_reference(config, parameters):
    assert trainable(build(config)) == parameters


@pytest.mark.parametrize("log_polar", ["stem", "cross"])
def test_folded_network_is_plain_and_gives_the_same_logits(log_polar):
    model = build(LPSCResNetConfig(depth=8, log_polar=log_polar))
    randomize(model)
    folded = zoo.fold(model)
    kinds = {type(layer).__name__ for layer in folded.layers}
    assert "LogPolarConv2D" not in kinds
    # Behind joined channels a normalization belongs to two convolutions: there it stays.
    assert ("BatchNormalization" in kinds) == (log_polar == "cross")
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), "uint8")
    assert_close(folded(images), model(images), 1e-5)


def test_alexnet_with_other_poolings():
    for changes in ({"pooling": "max"}, {"pooling": "sum", "center": False}):
        model = build(LPSCAlexNetConfig(**changes))
        assert model.output_shape == (None, 10)
        assert model.get_layer("conv2").pooling == changes["pooling"]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (LPSCVGGConfig(depth=12), "11, 13, 16, 19; got 12"),
        (LPSCResNetConfig(depth=21), r"6 n \+ 2 .*got 21"),
        (LPSCResNetConfig(depth=20, small=False), "18, 34, 50, 101; got 20"),
        (LPSCResNetConfig(log_polar="all"), '"stem", "cross", None; got .all'),
        (LPSCResNetConfig(log_polar="cross", share=1.0), r"`share` to be a number in \(0, 1\); got 1.0"),
        (LPSCResNetConfig(log_polar="cross", share=0.01), "channels of both kinds; got 0.01 of 16"),
        (LPSCResNetConfig(log_polar="cross", share=0.99), "channels of both kinds; got 0.99 of 16"),
        (LPSCDeepLabConfig(input_shape=(None, 64, 3)), "known image size"),
    ],
)
def test_what_cannot_be_built(config, words):
    with pytest.raises(ValueError, match=words):
        build(config)


def test_images_that_vanish_on_the_way_are_refused():
    with pytest.raises(ValueError, match=r"\(8, 8, 3\) are too small for 'lpsc_vgg11_bn_half_cifar10'.*larger"):
        zoo.build("lpsc_vgg11_bn_half_cifar10", input_shape=(8, 8, 3))


def test_other_configurations_are_refused():
    with pytest.raises(TypeError, match="LPSCAlexNetConfig.*got dict"):
        build({"depth": 20})
