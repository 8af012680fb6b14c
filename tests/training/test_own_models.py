"""Models, recipes, data and callbacks of the user's own in the trainer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import zoo
from tests.training import own, toy
from zoo import hub
from zoo.datasets import DataSet
from zoo.training import RunSettings

pytestmark = pytest.mark.once

SECONDS = 240
QUICK = {"epochs": 1, "batch_size": 8}
ONE = {"strategy": "single", "xla": False, "progress": False}


@pytest.fixture(scope="module")
def killed(tmp_path_factory, root):
    """Both models, each killed within its second epoch; the folders by name."""
    folder = tmp_path_factory.mktemp("killed")
    environment = os.environ | {"PYTHONPATH": str(root), "KERAS_BACKEND": keras.backend.backend()}
    processes = {}
    for name in own.MODELS:
        command = [sys.executable, "-m", "tests.training.own", name, str(folder / name / "run")]
        with (folder / f"{name}.txt").open("w") as output:
            processes[name] = subprocess.Popen(
                command, env=environment, cwd=root, stdout=output, stderr=subprocess.STDOUT
            )
    try:
        waiting, end = dict(processes), time.monotonic() + SECONDS
        while waiting:
            for name, process in list(waiting.items()):
                assert process.poll() is None and time.monotonic() < end, (folder / f"{name}.txt").read_text()[-3000:]
                if list((folder / name / "run" / "checkpoints").glob("epoch000001-step00000003.npz")):
                    process.send_signal(signal.SIGKILL)
                    assert process.wait(SECONDS) == -signal.SIGKILL
                    del waiting[name]
            time.sleep(0.005)
    finally:
        for process in processes.values():
            process.kill()
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("name", own.MODELS)
def test_a_killed_run_of_ones_own_model_ends_bit_equal(killed, tmp_path, name):
    whole, first = own.run(name, tmp_path / "run")
    assert not (killed / name / "run" / "model.safetensors").exists()
    run, callbacks = own.run(name, killed / name / "run")
    assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    cards = [zoo.card(folder).to_dict() for folder in (run, whole)]
    assert all(card["training"].pop("minutes") >= 0 for card in cards) and cards[0] == cards[1]
    assert callbacks[0].get_state() == first[0].get_state() and callbacks[0].steps == 12
    assert callbacks[1].best == first[1].best
    model = zoo.load(run)
    images, _ = own.data(model.input_shape[1]).validation
    assert hub.origin_of(model).labels == own.CLASSES and model.predict(images, verbose=0).shape == (8, 3)
    assert {p[0].label for p in zoo.predict(run, images)} <= set(own.CLASSES)


@pytest.fixture
def small():
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)], name="Small-1")


@pytest.fixture(scope="module")
def vectors():
    labels = np.arange(40) % 3
    return (np.eye(4)[labels] + np.random.default_rng(0).normal(size=(40, 4)) / 9).astype("float32"), labels


def facts(run):
    return json.loads((run / "run.json").read_text())


def test_the_model_itself_is_left_as_it_is(tmp_path, small, vectors):
    before = small.get_weights()
    run = zoo.train(small, out=tmp_path / "run", recipe=QUICK | {"learning_rate": 0.1}, data=vectors, **ONE)
    assert all(np.array_equal(a, b) for a, b in zip(before, small.get_weights(), strict=True))
    trained = zoo.load(run)
    assert not np.array_equal(trained.get_weights()[0], before[0]) and zoo.card(run).name == "small_1"
    assert facts(run)["recipe"]["learning_rate"] == 0.1 and facts(run)["data"]["train"] == 31
    with pytest.raises(ValueError, match="Only runs of registered models on their own data sets"):
        zoo.publish(run, "v1")
    with pytest.raises(ValueError, match="another run: weights is"):
        small.set_weights([w + 1 for w in before])
        zoo.train(small, out=run, recipe=QUICK | {"learning_rate": 0.1}, data=vectors, **ONE)


def test_a_configuration_and_a_model_of_zoo(tmp_path):
    images, labels = toy.load("mnist_rot", "train")
    config = toy.DotsConfig(name="mine", num_classes=10, dropout=0.0)
    first = zoo.train(config, out=tmp_path / "config", recipe=QUICK, data=(images, labels), **ONE)
    assert hub.origin_of(zoo.load(first)).config == config
    model = zoo.load(first)
    model.get_layer("conv").trainable = False
    again = zoo.train(model, out=tmp_path / "model", recipe=QUICK, data=(images, labels), **ONE)
    kernels = [zoo.load(run).get_layer("conv").kernel for run in (first, again)]
    heads = [zoo.load(run).get_layer("head").kernel for run in (first, again)]
    arrays = [keras.ops.convert_to_numpy(k) for k in (*kernels, *heads)]
    assert np.array_equal(arrays[0], arrays[1]) and not np.array_equal(arrays[2], arrays[3])


def test_a_registered_name_is_built_for_the_classes_of_own_data(tmp_path):
    images, labels = toy.load("mnist_rot", "train")
    chosen = labels < 2
    data = DataSet(
        train=(images[chosen], labels[chosen]), validation=(images[chosen], labels[chosen]), classes=["no", "yes"]
    )
    run = zoo.train("dots", out=tmp_path / "run", recipe=QUICK, data=data, smoke=True, **ONE)
    assert hub.origin_of(zoo.load(run)).labels == ("no", "yes") and zoo.load(run).output_shape == (None, 2)


def test_models_that_cannot_be_trained(tmp_path, vectors):
    class Odd(keras.layers.Layer):
        def call(self, x):
            return x

    class Subclassed(keras.Model):
        def call(self, x):
            return x

    layers, start = keras.layers, keras.Input((4,))
    frozen = keras.Sequential([start, layers.Dense(3, trainable=False)])
    two = keras.Model(start, [layers.Dense(3)(start), layers.Dense(3)(start)])
    cases = [
        (keras.Sequential([start, Odd(), layers.Dense(3)]), "register_keras_serializable"),
        (keras.Sequential([start, layers.Lambda(lambda x: x), layers.Dense(3)]), "Lambda"),
        (keras.Sequential([start, layers.Dense(3, activation="sigmoid")]), "ends in a sigmoid"),
        (keras.Sequential([start, layers.Dense(1)]), "at least two outputs"),
        (keras.Sequential([layers.Dense(3)]), "is not built"),
        (Subclassed(), "with a call of its own"),
        (frozen, "nothing is left to train"),
        (two, "2 outputs"),
        (keras.Sequential([start, layers.Dense(2)]), "has 2 classes; the train split has labels of 3"),
        (keras.Sequential([keras.Input((5,)), layers.Dense(3)]), r"takes inputs of shape \(5,\); .* has \(4,\)"),
    ]
    for model, words in cases:
        with pytest.raises(ValueError, match=words):
            zoo.train(model, out=tmp_path / "run", recipe=QUICK, data=vectors, **ONE)
    with pytest.raises(TypeError, match="a model's name, a configuration or a Keras model to train; got dict"):
        zoo.train({}, out=tmp_path / "run", recipe=QUICK)
    assert not (tmp_path / "run").exists()


def test_what_a_model_of_ones_own_needs(tmp_path, small, vectors):
    def train(**changes):
        zoo.train(small, **{"out": tmp_path / "run", "recipe": QUICK, "data": vectors} | ONE | changes)

    with pytest.raises(ValueError, match="Which recipe"):
        train(recipe=None)
    with pytest.raises(ValueError, match=r"Which data.*\(--data on.*in the recipe \(dataset='<name>'\)"):
        train(data=None)
    with pytest.raises(ValueError, match=r"in the recipe \(dataset='mnist_rot'\)"):
        zoo.train("dots", recipe={**QUICK, "dataset": None}, out=tmp_path / "run")
    with pytest.raises(ValueError, match="precision='mixed_bfloat16' is for models that are built by the run"):
        train(precision="mixed_bfloat16")
    with pytest.raises(ValueError, match="overrides dropout of a configuration"):
        train(recipe=QUICK | {"overrides": {"dropout": 0.1}})
    with pytest.raises(ValueError, match="no field 'learning_rte'. Did you mean 'learning_rate'"):
        train(recipe=QUICK | {"learning_rte": 1})
    with pytest.raises(TypeError, match="Unknown setting 'sed'. Did you mean 'seed'"):
        train(sed=1)
    with pytest.raises(ValueError, match="Only runs of registered models"):
        train(publish="v1")
    with pytest.raises(TypeError, match="data as .*; got int"):
        train(data=5)
    assert not (tmp_path / "run").exists()


def test_a_layer_that_is_not_registered_when_the_run_is_loaded(tmp_path, vectors):
    @keras.saving.register_keras_serializable("zoo-tests")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    model = keras.Sequential([keras.Input((4,)), Twice(), keras.layers.Dense(3)])
    run = zoo.train(model, out=tmp_path / "run", recipe=QUICK, data=vectors, **ONE)
    assert type(zoo.load(run).layers[1]) is Twice
    del keras.saving.get_custom_objects()["zoo-tests>Twice"]
    with pytest.raises(ValueError, match="layers of its own, zoo-tests>Twice: import the module that registers"):
        zoo.load(run)


def test_settings_are_one_object():
    assert RunSettings.of(RunSettings(seed=3), {"epochs": 2}) == RunSettings(seed=3, epochs=2)
    assert RunSettings.of({"seed": 3}, {"epochs": 2}) == RunSettings(seed=3, epochs=2)
    with pytest.raises(TypeError, match="Unknown setting 'epoch'. Did you mean 'epochs'"):
        RunSettings.of({"epoch": 1}, {})
    with pytest.raises(TypeError, match="'epoch'. Did you mean 'epochs'"):
        RunSettings(epoch=1)
    with pytest.raises(TypeError, match=r"a dictionary or a zoo\.training\.RunSettings.*got list"):
        RunSettings.of(["seed"], {})
    with pytest.raises(ValueError, match="xla to be True or False; got 'no'"):
        RunSettings(xla="no")
