"""Heads on averaged features: found in zoo's networks and in others', and exported with class maps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.models import class_maps
from zoo.models.scene import SceneResNetConfig, build
from zoo.training import PairwiseConsistency

JAX = keras.backend.backend() == "jax"
RNG = np.random.default_rng(0)
CONFIG = SceneResNetConfig(
    name="tiny", input_shape=(32, 32, 3), num_classes=5, widths=(4, 4, 6, 8), blocks=(1, 1, 1, 1), strides=(1, 2, 1, 1)
)


def numpy(tensor) -> np.ndarray:
    return ops.convert_to_numpy(tensor)


def check_maps(model: keras.Model, images: np.ndarray) -> None:
    """Logits as before; the means of the maps and the bias are the logits."""
    outputs = class_maps.with_cam(model)(images, training=False)
    logits = numpy(model(images, training=False))
    np.testing.assert_allclose(numpy(outputs["logits"]), logits, atol=1e-5)
    bias = numpy(class_maps.find_gap_head(model).head.bias)
    scale = np.abs(logits).max() + 1
    np.testing.assert_allclose(numpy(outputs["class_maps"]).mean((1, 2)) + bias, logits, atol=3e-6 * scale)


def test_of_the_family():
    model = build(CONFIG)
    images = RNG.integers(0, 256, (3, 32, 32, 3)).astype("float32")
    check_maps(model, images)
    assert {id(v) for v in class_maps.with_cam(model).variables} == {id(v) for v in model.variables}
    mean, std = class_maps.find_normalization(model)
    np.testing.assert_allclose(mean, CONFIG.mean, rtol=1e-5)
    np.testing.assert_allclose(std, CONFIG.std, rtol=1e-5)


def mobile_net() -> keras.Model:
    return keras.applications.MobileNetV2(
        (32, 32, 3), alpha=0.35, weights=None, classes=4, classifier_activation=None, name="mobile"
    )


def dense_net() -> keras.Model:
    """A backbone of `keras.applications` as a layer under a head of one's own, with a dropout."""
    backbone = keras.applications.DenseNet121(False, weights=None, input_shape=(32, 32, 3))
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.GlobalAveragePooling2D(data_format="channels_last")(backbone(inputs))
    return keras.Model(inputs, keras.layers.Dense(4)(keras.layers.Dropout(0.2)(x)))


def check_training(model: keras.Model) -> None:
    images, labels = RNG.normal(size=(4, 32, 32, 3)).astype("float32"), np.arange(4)
    check_maps(model, images)
    trainer = PairwiseConsistency(model)
    trainer.compile(
        optimizer=keras.optimizers.SGD(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=JAX,
    )
    before = numpy(class_maps.find_gap_head(model).head.kernel).copy()
    assert np.isfinite(trainer.train_on_batch(images, labels))
    assert not np.array_equal(before, numpy(class_maps.find_gap_head(model).head.kernel))
    maps = zoo.visual.cam(model, images, batch_size=4)
    assert maps.shape == (4, 32, 32) and maps.min() >= 0 and maps.max() <= 1


@pytest.mark.once
@pytest.mark.parametrize("make", [pytest.param(mobile_net, marks=[pytest.mark.large] * JAX)])
def test_of_keras_applications(make):
    """On JAX the many layers take a minute to compile."""
    check_training(make())


@pytest.mark.large
def test_of_keras_applications_under_an_own_head():
    check_training(dense_net())


@pytest.mark.parametrize("kind", ["ResNet", "DenseNet"])
def test_of_keras_hub(kind):
    models = pytest.importorskip("keras_hub", reason="KerasHub is not among zoo's dependencies").models
    if kind == "ResNet":
        backbone = models.ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[3],
            stackwise_num_filters=[64, 64],
            stackwise_num_blocks=[1, 1],
            stackwise_num_strides=[1, 2],
            block_type="basic_block",
            image_shape=(32, 32, 3),
        )
    else:
        backbone = models.DenseNetBackbone([1, 2], compression_ratio=0.5, growth_rate=4, image_shape=(32, 32, 3))
    check_training(getattr(models, f"{kind}ImageClassifier")(backbone=backbone, num_classes=4))


def test_normalization_layers_and_none():
    inputs = keras.Input((8, 8, 2))
    normalized = keras.layers.Normalization(mean=[3.0, 5.0], variance=[4.0, 9.0])(inputs)
    mean, std = class_maps.find_normalization(keras.Model(inputs, normalized))
    assert mean.tolist() == [3.0, 5.0] and std.tolist() == [2.0, 3.0]
    bare = keras.Model(inputs, keras.layers.ReLU()(inputs))
    assert class_maps.find_normalization(bare) == (0.0, 1.0)


def chains() -> dict[str, keras.Model]:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.RandomFlip()])
    statistics = {"mean": [0.4, 0.5, 0.6], "variance": [0.04, 0.01, 0.09]}
    inside = keras.Sequential([keras.Input((8, 8, 3)), layers.Normalization(**statistics), layers.Conv2D(4, 3)])
    adapted = layers.Normalization()
    adapted.adapt(np.float32([[[[0.2, 0.4, 0.3]], [[0.6, 0.6, 0.9]]]]))
    return {
        "rescaled, then normalised": keras.Sequential(
            [image, layers.Rescaling(1 / 255), layers.Dropout(0.1), layers.Normalization(**statistics), layers.ReLU()]
        ),
        "in models inside": keras.Sequential([image, inner, inside]),
        "adapted": keras.Sequential([image, layers.Rescaling(1 / 255), adapted]),
        "in two steps": keras.Sequential(
            [image, layers.Rescaling(2 / 255, offset=-1.0), layers.Rescaling(0.5, offset=0.5), adapted]
        ),
        "not behind a convolution": keras.Sequential(
            [image, layers.Rescaling(1 / 255), layers.Normalization(**statistics), layers.Conv2D(3, 1), adapted]
        ),
    }


@pytest.mark.parametrize("name", chains())
def test_the_mean_colour_goes_through_all_first_layers(name):
    mean, deviation = class_maps.find_normalization(chains()[name])
    np.testing.assert_allclose(mean, 255 * np.array([0.4, 0.5, 0.6]), rtol=1e-5)
    wanted = [0.2, 0.1, 0.3]
    np.testing.assert_allclose(deviation, 255 * np.array(wanted), rtol=1e-5)


def test_what_branches_or_is_unknown_ends_the_chain():
    image = keras.Input((8, 8, 3))
    scaled = keras.layers.Rescaling(1 / 255)(image)
    both = keras.layers.Add()([keras.layers.Rescaling(2.0)(scaled), keras.layers.ReLU()(scaled)])
    mean, deviation = class_maps.find_normalization(keras.Model(image, both))
    assert mean == 0 and deviation == 255


def test_classes_that_a_model_does_not_have_are_refused():
    model, images = ended(keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)), np.zeros((2, 8, 8, 3))
    for classes in ([0, 2], [-1, 0], [0, 0.5]):
        with pytest.raises(ValueError, match="label .* is (outside 0..1|no class number)"):
            list(class_maps.class_map_batches(model, images, classes=classes))


def ended(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 3, name="conv"), *layers], name="mine")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            (keras.layers.Flatten, lambda: keras.layers.Dense(2)),
            "before the head of 'mine' stands the Conv2D layer 'conv'",
        ),
        (
            (keras.layers.GlobalMaxPooling2D, lambda: keras.layers.Dense(2)),
            "before the head of 'mine' stands the GlobalMaxPooling2D",
        ),
        (
            (keras.layers.GlobalAveragePooling2D, lambda: keras.layers.Dense(2, activation="softmax")),
            "ends with the Dense layer .*Build it for logits: classifier_activation=None",
        ),
        ((keras.layers.GlobalAveragePooling2D,), "ends with the GlobalAveragePooling2D layer"),
    ],
    ids=["flat", "maximum", "softmax", "headless"],
)
def test_other_heads_are_refused(layers, message):
    model = ended(*(make() for make in layers))
    for function in (
        class_maps.with_cam,
        PairwiseConsistency,
        lambda m: zoo.evaluation.focus_area(m, np.zeros((1, 8, 8, 3))),
    ):
        with pytest.raises(ValueError, match=message):
            function(model)


def test_not_functional():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="'own' is no functional model with one output"):
        class_maps.find_gap_head(Own(name="own"))


@pytest.mark.once
@pytest.mark.parametrize("format", ["savedmodel", pytest.param("onnx", marks=pytest.mark.large)])
def test_exported_with_its_maps(tmp_path, format):
    """`zoo.export` compares the file's outputs with the model's on two batches and refuses one that differs."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the export runs in a process of its own on TensorFlow, whatever the backend: once is enough")
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="zoo[onnx] is not installed")
    folder = zoo.export(zoo.visual.with_cam(build(CONFIG)), tmp_path, name="tiny_cam", format=format)
    report = (folder / "assets.extra" / "zoo.json").read_text()
    assert '"class_maps"' in report and '"logits"' in report
