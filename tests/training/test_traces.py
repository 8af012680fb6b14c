"""The step is compiled as a whole, traced once, and never silently run without XLA."""

import keras
import pytest

import zoo
from tests.training import toy
from zoo.training.compiling import check_jit, scale_learning_rate

XLA = keras.backend.backend() != "torch"


@pytest.fixture
def everywhere(monkeypatch):
    """XLA as on a GPU: on CPUs TensorFlow's networks of convolutions go without."""
    monkeypatch.setattr(zoo.hub, "suits_xla", lambda model: XLA)


@pytest.mark.skipif(not XLA, reason="torch traces nothing")
@pytest.mark.parametrize("name", ["dots", "thorough"])
@pytest.mark.usefixtures("everywhere")
def test_the_step_is_traced_once_over_epochs_and_parts(tmp_path, monkeypatch, name):
    original, training = keras.layers.Dense.call, []

    def call(self, inputs, training_=None):
        training.append(keras.src.backend.common.keras_tensor.any_symbolic_tensors((inputs,)))
        return original(self, inputs)

    traced, fit = [], keras.Model.fit

    def counted(self, *arguments, **options):
        before = len(training)
        result = fit(self, *arguments, **options)
        traced.append(len(training) - before)
        assert self.jit_compile is True
        return result

    monkeypatch.setattr(keras.layers.Dense, "call", call)
    monkeypatch.setattr(keras.Model, "fit", counted)
    zoo.train(name, out=tmp_path / "run", checkpoint_steps=2, progress=False)
    assert len(traced) == 6  # two parts of three epochs
    assert traced[0] >= 1 and traced[1:] == [0] * 5


@pytest.mark.skipif(not XLA, reason="torch has no XLA here")
@pytest.mark.usefixtures("everywhere")
def test_a_layer_that_switches_xla_off_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="cannot be compiled by XLA because of turn .*recipe's augmentation"):
        zoo.train("noisy", out=tmp_path / "run", progress=False)


def test_check_jit_names_the_layer():
    check_jit(toy.build(toy.DotsConfig()))
    with pytest.raises(ValueError, match="turn"):
        check_jit(toy.build(toy.DotsConfig(noisy=True)))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="Keras looks at this setting on TensorFlow only")
@pytest.mark.usefixtures("everywhere")
def test_a_switch_elsewhere_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(keras.src.backend.tensorflow.trainer, "model_supports_jit", lambda _: False, raising=False)
    monkeypatch.setattr(keras.src.trainers.trainer, "model_supports_jit", lambda _: False)
    with pytest.raises(ValueError, match="switched XLA off"):
        zoo.train("dots", out=tmp_path / "run", progress=False)


def test_linear_scaling():
    recipe = scale_learning_rate(toy.RECIPES["dots"], 4)
    assert (recipe.batch_size, recipe.learning_rate) == (64, pytest.approx(0.04))
    with pytest.raises(ValueError, match="at least one replica; got 0"):
        scale_learning_rate(recipe, 0)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA is optional on TensorFlow only")
@pytest.mark.usefixtures("everywhere")
def test_without_xla_on_request(tmp_path, monkeypatch):
    fit, compiled = keras.Model.fit, []
    monkeypatch.setattr(
        keras.Model, "fit", lambda self, *a, **o: compiled.append(self.jit_compile) or fit(self, *a, **o)
    )
    zoo.train("dots", out=tmp_path / "run", xla=False, progress=False)
    assert compiled and not any(compiled)
    with pytest.raises(ValueError, match="xla is False there and True here"):
        zoo.train("dots", out=tmp_path / "run", progress=False)
