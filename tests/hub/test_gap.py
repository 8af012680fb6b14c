"""Heads on averaged features: found in zoo's networks and in others', and exported with class maps."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo import hub
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
    outputs = hub.with_cam(model)(images, training=False)
    logits = numpy(model(images, training=False))
    np.testing.assert_allclose(numpy(outputs["logits"]), logits, atol=1e-5)
    bias = numpy(hub.find_gap_head(model).head.bias)
    scale = np.abs(logits).max() + 1
    np.testing.assert_allclose(numpy(outputs["class_maps"]).mean((1, 2)) + bias, logits, atol=3e-6 * scale)


def test_of_the_family():
    model = build(CONFIG)
    images = RNG.integers(0, 256, (3, 32, 32, 3)).astype("float32")
    check_maps(model, images)
    assert {id(v) for v in hub.with_cam(model).variables} == {id(v) for v in model.variables}
    mean, std = hub.find_normalization(model)
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
    before = numpy(hub.find_gap_head(model).head.kernel).copy()
    assert np.isfinite(trainer.train_on_batch(images, labels))
    assert not np.array_equal(before, numpy(hub.find_gap_head(model).head.kernel))
    maps = zoo.visual.cam(model, images, batch_size=4)
    assert maps.shape == (4, 32, 32) and maps.min() >= 0 and maps.max() <= 1


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
    mean, std = hub.find_normalization(keras.Model(inputs, normalized))
    assert mean.tolist() == [3.0, 5.0] and std.tolist() == [2.0, 3.0]
    bare = keras.Model(inputs, keras.layers.ReLU()(inputs))
    assert hub.find_normalization(bare) == (0.0, 1.0)


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
    for function in (hub.with_cam, PairwiseConsistency, lambda m: zoo.evaluation.focus_area(m, np.zeros((1, 8, 8, 3)))):
        with pytest.raises(ValueError, match=message):
            function(model)


def test_not_functional():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="'own' is no functional model with one output"):
        hub.find_gap_head(Own(name="own"))


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
