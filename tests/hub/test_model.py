"""Copies of zoo's models are zoo's models: by every way Keras has to copy, store and rebuild them."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo import compression
from zoo.hub import ZooModel, decoding, loading, origin_of, saving, stages, with_origin

from . import toy as toy_family
from .conftest import values

Model = keras.Model


@pytest.fixture
def named(toy: ZooModel) -> ZooModel:
    toy.labels = np.array([" cat", "dog ", "emu"])
    return toy


def _through_file(model: Model, path: Path) -> Model:
    model.save(path)
    return keras.models.load_model(path)


def _same_weights(copied: Model, model: Model) -> Model:
    copied.set_weights(model.get_weights())
    return copied


WAYS: dict[str, Callable[[Model, Path], Model]] = {
    "keras file": lambda model, path: _through_file(model, path / "m.keras"),
    "hdf5 file": lambda model, path: _through_file(model, path / "m.h5"),
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "copy": lambda model, path: copy.copy(model),
    "pickle": lambda model, path: pickle.loads(pickle.dumps(model)),
    "clone": lambda model, path: _same_weights(keras.models.clone_model(model), model),
    "clone of layers": lambda model, path: _same_weights(
        keras.models.clone_model(model, clone_function=lambda layer: type(layer).from_config(layer.get_config())), model
    ),
    "from_config": lambda model, path: _same_weights(type(model).from_config(model.get_config()), model),
    "json": lambda model, path: _same_weights(keras.models.model_from_json(model.to_json()), model),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_copy_is_still_ours(named: ZooModel, way: str, tmp_path: Path, images: np.ndarray) -> None:
    copied = WAYS[way](named, tmp_path)
    assert isinstance(copied, ZooModel) and copied is not named
    assert copied.origin == named.origin and copied.labels == ("cat", "dog", "emu")
    assert copied.task == "image-classification" and copied.name == "toy_w4_shelf"
    assert list(values(copied)) == list(values(named))
    expected = saving.golden_logits(named, images)
    assert np.allclose(saving.golden_logits(copied, images), expected, rtol=1e-6)
    assert decoding.decode(copied, np.array([[0.0, 9.0, 0.0]]), top=1)[0][0].label == "dog"
    again = loading.load(saving.save(copied, tmp_path / "folder"))
    assert again.labels == ("cat", "dog", "emu")
    assert np.allclose(saving.golden_logits(again, images), expected, rtol=1e-6)
    assert stages.features(copied).output_shape == (None, 4)
    folded = compression.fold(copied)
    assert origin_of(folded).labels == ("cat", "dog", "emu")
    assert np.allclose(saving.golden_logits(folded, images), expected, rtol=1e-4)


def test_copies_keep_what_is_frozen_and_how_it_is_compiled(named: ZooModel, tmp_path: Path) -> None:
    named.get_layer("conv").trainable = False
    loading.compile_for_fine_tuning(named)
    for copied in (WAYS["keras file"](named, tmp_path), copy.deepcopy(named)):
        assert not copied.get_layer("conv").trainable and len(copied.trainable_weights) == 4
        assert copied.compiled and copied.jit_compile == named.jit_compile


def test_features_and_their_copies_are_ours(named: ZooModel, tmp_path: Path) -> None:
    body = WAYS["keras file"](stages.features(named), tmp_path)
    assert isinstance(body, ZooModel) and not origin_of(body).config.include_head
    assert loading.load(saving.save(body, tmp_path / "body"), num_classes=2).output_shape == (None, 2)


def test_another_network_is_a_plain_model(named: ZooModel) -> None:
    rebuilt = keras.Model(named.inputs, named.outputs, name="mine")
    bigger = keras.models.clone_model(named, input_tensors=keras.Input((9, 9, 1)))
    for model in (rebuilt, bigger):
        with pytest.raises(ValueError, match="made by zoo.build or zoo.load; got '(mine|toy_w4_shelf)', a .* without"):
            decoding.decode(model, np.zeros((1, 3)))
    assert keras.models.clone_model(named, input_tensors=keras.Input((8, 8, 1))).origin == named.origin


def test_labels_are_checked(toy: ZooModel) -> None:
    for wrong, message in (
        (["a", "b"], "Expected 3 class names.*got 2"),
        (["a", "b", "a "], "'a' more than once"),
        (["a", " ", "c"], "an empty name"),
        ("abc", "got str"),
        (["a", "b", 3], "got 3 of type int"),
        ({"a", "b", "c"}, "got .*[sS]et"),
        (None, "got NoneType"),
    ):
        with pytest.raises(ValueError, match=message):
            toy.labels = wrong
    assert toy.labels == ("bear", "car", "doll")
    toy.labels = (name for name in ("x", "y", "z"))
    assert toy.labels == ("x", "y", "z")


def test_an_origin_that_is_not_known_is_named(toy: ZooModel) -> None:
    config = toy.get_config()
    config["origin"]["config"]["colour"] = "red"
    with pytest.raises(ValueError, match=r"the origin of the model 'toy_w4_shelf' has configuration fields .*'colour'"):
        ZooModel.from_config(config)


def test_a_configuration_of_ones_own_survives(tmp_path: Path) -> None:
    own = loading.build(toy_family.ToyConfig(name="my_toy", input_shape=(None, None, 2)), task="image-labelling")
    copied = WAYS["keras file"](own, tmp_path)
    assert copied.origin == own.origin and copied.origin.preset is None and copied.task == "image-labelling"
    assert copied.origin.config.input_shape == (None, None, 2)


def test_two_of_one_preset_live_in_one_model(toy: ZooModel, images: np.ndarray, tmp_path: Path) -> None:
    other = loading.build("toy_w4_shelf", model_name="second")
    other.set_weights(toy.get_weights())
    inputs = keras.Input((8, 8, 1))
    both = keras.Model(inputs, keras.layers.Average(name="mean")([toy(inputs), other(inputs)]))
    again = WAYS["keras file"](both, tmp_path)
    assert np.allclose(again.predict_on_batch(images), saving.golden_logits(toy, images), rtol=1e-5)
    assert again.get_layer("second").origin == other.origin == toy.origin
    assert with_origin(toy, toy.origin, "third").name == "third"


SCRIPTS = {
    "zoo first": "import zoo, keras, sys; print(keras.models.load_model(sys.argv[1] + '/m.keras').labels)",
    "keras first": "import keras, zoo, sys; print(keras.models.load_model(sys.argv[1] + '/m.keras').labels)",
    "pickle alone": "import pickle, sys; print(pickle.load(open(sys.argv[1] + '/m.pickle', 'rb')).labels)",
}


@pytest.mark.large
@pytest.mark.parametrize("order", SCRIPTS)
def test_a_fresh_process_reads_it(order: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the families that zoo ships
    model = loading.build("e4net_mnistrot", num_classes=3, width=8)
    model.labels = ["a", "b", "c"]
    model.save(tmp_path / "m.keras")
    (tmp_path / "m.pickle").write_bytes(pickle.dumps(model))
    done = subprocess.run([sys.executable, "-c", SCRIPTS[order], str(tmp_path)], capture_output=True, text=True)
    assert "('a', 'b', 'c')" in done.stdout, done.stderr[-2000:]


def test_the_first_fit_says_that_it_compiles(toy: ZooModel, capsys: pytest.CaptureFixture[str]) -> None:
    x, y = np.zeros((2, *toy.input_shape[1:]), "float32"), np.zeros(2, "int32")
    toy.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    toy.fit(x, y, verbose=0)
    assert "compil" not in capsys.readouterr().err
    toy.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    toy.fit(x, y, verbose=2)
    said = capsys.readouterr().err
    assert ("compiling the training step" in said and "compiled in" in said) or keras.backend.backend() == "torch"
    toy.fit(x, y, verbose=2)
    assert "compil" not in capsys.readouterr().err


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="only a tf.function is written down again")
def test_the_first_fit_writes_the_step_down_once(toy: ZooModel, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((2, *toy.input_shape[1:]), "float32"), np.zeros(2, "int32")
    toy.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    step, passes = toy.train_step, []
    monkeypatch.setattr(toy, "train_step", lambda data: passes.append(data) or step(data))
    toy.fit(x, y, verbose=0)
    assert len(passes) == 1


def test_several_models_are_no_reason_for_a_warning_of_tracing(
    tmp_path: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorFlow counts the predictions of all models as one function, traced again and again."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("tf.function is TensorFlow's")
    from tensorflow.python.eager.polymorphic_function import polymorphic_function

    traced: list[str] = []
    detector = polymorphic_function._FrequentTracingDetector
    called = detector.called_with_tracing

    def counted(self: object, name: str, omit: bool) -> None:
        traced.append(name)
        called(self, name, omit)

    warned: list[str] = []
    monkeypatch.setattr(detector, "called_with_tracing", counted)
    monkeypatch.setattr(polymorphic_function.logging, "warning", lambda text, *_: warned.append(text))
    models = [loading.build("toy_w4_shelf") for _ in range(6)]
    saving.save(models[0], tmp_path)
    assert traced == []  # a few inputs, once: no graph is written down for them
    for model in models:
        model.predict(images, verbose=0)
    assert len(traced) >= 6 and warned == []


def test_one_image_without_a_batch_axis_is_named(toy: ZooModel, images: np.ndarray) -> None:
    wanted = tuple(toy.input_shape)
    message = f"takes batches of shape {re.escape(str(wanted))}; got {re.escape(str(images.shape[1:]))}, .* pass x.None"
    for call in (toy.predict, toy.predict_on_batch):
        with pytest.raises(ValueError, match=message):
            call(images[0])
    with pytest.raises(ValueError, match=message):
        toy.evaluate(images[0], np.zeros(1))
    assert toy.predict(images[0][None], verbose=0).shape[0] == 1
