"""Models made inside name scopes, other layers, strategies and under other settings of Keras are the same models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import compression
from zoo.hub import ZooModel, compiling, loading, saving, stages, store, verifying

from .conftest import values

NAME = "toy_w4_shelf"


def test_keys_are_relative_to_the_model(published: Path, toy: ZooModel, tmp_path: Path, images: np.ndarray) -> None:
    expected = saving.golden_logits(toy, images)
    with keras.name_scope("mine"), keras.name_scope("conv"):
        model = loading.load(NAME)
        assert list(store.keyed(model)) == list(values(toy)) and model.weights[0].path == "mine/conv/conv/kernel"
        model.get_layer("conv").trainable = False
        folder = saving.save(model, tmp_path / "scoped")
        assert verifying.verify(folder)[0].ok
        model.save(tmp_path / "m.keras")
        read = loading.load(tmp_path / "m.keras")
        body = stages.features(model)
        other = loading.load(NAME, num_classes=2)
        folded = compression.fold(read)
    assert (published / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    for again in (loading.load(folder), loading.load(saving.save(read, tmp_path / "read")), folded):
        assert np.allclose(saving.golden_logits(again, images), expected, rtol=1e-4)
    assert [w.path for w in loading.load(folder).non_trainable_weights][:2] == ["conv/kernel", "conv/bias"]
    assert loading.load(saving.save(body, tmp_path / "body"), num_classes=4).output_shape == (None, 4)
    assert np.array_equal(store.collect(store.keyed(other))["conv/kernel"], values(toy)["conv/kernel"])


class Inner(keras.layers.Layer):
    def build(self, shape: object) -> None:
        self.body = loading.load(NAME, compile=False)

    def call(self, inputs: object) -> object:
        return self.body(inputs)


class Outer(keras.Model):
    """Builds what is in it while Keras traces its call."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()

    def call(self, inputs: object) -> object:
        return self.inner(inputs)


@pytest.mark.parametrize("how", ["eager", "symbolic", "fit"])
@pytest.mark.parametrize("around", [Inner, Outer])
def test_weights_are_loaded_inside_other_layers(
    published: Path, toy: ZooModel, images: np.ndarray, around: type, how: str
) -> None:
    layer = around()
    if how == "symbolic":
        layer(keras.Input((8, 8, 1)))
    elif how == "fit":
        if around is Inner:
            layer = keras.Sequential([layer])
        layer.compile(keras.optimizers.SGD(0.0), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        layer.fit(images, np.array([0, 1, 2, 0]), verbose=0)
        found = layer.layers[0] if around is Inner else layer.inner
        assert np.array_equal(store.collect(store.keyed(found.body))["conv/kernel"], values(toy)["conv/kernel"])
        return
    found = keras.ops.convert_to_numpy(layer(images))
    assert np.allclose(found, saving.golden_logits(toy, images), rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="strategies are TensorFlow's")
def test_a_model_made_in_a_strategys_scope_trains(
    published: Path, toy: ZooModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tensorflow as tf

    monkeypatch.setattr(compiling, "suits_xla", lambda model: True)  # as with a GPU
    images, labels = np.zeros((4, 8, 8, 1), "uint8"), np.arange(4) % 3
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = loading.load(NAME)
        assert not model.jit_compile
        assert np.array_equal(values(model)["conv/kernel"], values(toy)["conv/kernel"])
    assert np.isfinite(model.fit(images, labels, verbose=0).history["loss"]).all()
    again = loading.load(saving.save(model, tmp_path / "trained"))
    assert again.jit_compile
    assert np.allclose(saving.golden_logits(again, images), model.predict(images, verbose=0), rtol=1e-4)


@pytest.fixture
def odd_settings() -> Iterator[None]:
    """Settings that a user's keras.json may hold."""
    floatx, layout = keras.config.floatx(), keras.config.image_data_format()
    keras.config.set_floatx("float16")
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_image_data_format(layout)


def test_settings_of_keras_change_nothing_that_is_stored(published: Path, odd_settings: None, tmp_path: Path) -> None:
    model = loading.load(NAME, compile=False)
    assert model.inputs[0].dtype == "float32" and model.output_shape == (None, 3)
    policy = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_bfloat16")
        folder = saving.save(model, tmp_path / "saved")
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(policy)
    assert (keras.config.floatx(), keras.config.image_data_format()) == ("float16", "channels_first")
    assert verifying.verify(folder)[0].ok
    for file in ("model.safetensors", "head.safetensors"):
        assert (folder / file).read_bytes() == (published / file).read_bytes()
