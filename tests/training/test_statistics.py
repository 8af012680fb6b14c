"""Averaged weights are measured and kept with batch statistics of their own."""

import keras
import numpy as np
import pytest

import zoo
from tests.training import toy
from zoo.layers import GBatchNormalization
from zoo.training import epochs
from zoo.training.batches import TrainingBatches
from zoo.training.optimizers import value_of
from zoo.training.statistics import BatchStatistics

XLA = keras.backend.backend() != "torch"


def make_model():
    inputs = keras.Input((6, 6, 8), name="image")
    x = keras.layers.BatchNormalization(momentum=0.9, name="plain")(inputs)
    x = keras.layers.Dropout(0.5, name="dropout")(x)
    inner = keras.Sequential([keras.Input((6, 6, 8)), GBatchNormalization("p4", name="group")], name="inner")
    return keras.Model(inputs, keras.layers.Flatten(name="flat")(inner(x)), name="normed")


@pytest.fixture
def batches():
    images = np.random.default_rng(0).integers(0, 256, (48, 6, 6, 8), dtype=np.uint8)
    images[..., 3] //= 5
    return TrainingBatches(images, np.zeros(48, "int64"), batch_size=16, seed=1)


def test_the_statistics_are_means_over_the_batches_and_nothing_else_changes(batches):
    model = make_model()
    before = [value_of(variable) for variable in model.variables]
    statistics = BatchStatistics(model, compiled=XLA)
    statistics.measure(batches)
    plain, group = model.get_layer("plain"), model.get_layer("inner").get_layer("group")
    arrays = [batches[index][0].astype("float64") for index in range(len(batches))]
    means = np.mean([array.mean(axis=(0, 1, 2)) for array in arrays], axis=0)
    variances = np.mean([array.var(axis=(0, 1, 2)) for array in arrays], axis=0)
    np.testing.assert_allclose(value_of(plain.moving_mean), means, rtol=1e-5)
    np.testing.assert_allclose(value_of(plain.moving_variance), variances, rtol=1e-4)
    # Behind the first norm in training, all channels have mean 0 and variance 1; dropout doubles the variance.
    np.testing.assert_allclose(value_of(group.moving_mean), 0, atol=0.1)
    np.testing.assert_allclose(value_of(group.moving_variance), 2, rtol=0.1)
    assert (plain.momentum, group.momentum) == (0.9, GBatchNormalization("p4").momentum)
    ours = {id(v) for layer in (plain, group) for v in (layer.moving_mean, layer.moving_variance)}
    for variable, value in zip(model.variables, before, strict=True):
        assert id(variable) in ours or np.array_equal(value_of(variable), value), variable.path


def test_what_was_measured_before_leaves_no_trace(batches):
    model = make_model()
    statistics = BatchStatistics(model, compiled=XLA)
    layer = model.get_layer("plain")
    statistics.measure(batches)
    first = value_of(layer.moving_mean)
    layer.moving_mean.assign(first + 100)
    statistics.measure(batches)
    assert np.array_equal(value_of(layer.moving_mean), first)


@pytest.mark.parametrize("selection", ["last", "best"])
def test_a_run_measures_and_keeps_the_average_with_its_own(tmp_path, change, selection):
    change(ema=0.9, selection=selection, epochs=2, overrides={"dropout": 0.0})
    run = zoo.train("dots", out=tmp_path / "run", progress=False)
    model = zoo.load(run)
    epoch = zoo.training.record.read_run(run)["validation"]["epoch"] - 1
    images, labels = toy.load("mnist_rot", "train")
    data = TrainingBatches(images, labels, batch_size=16, seed=0, augment=("shift",), epoch=epoch)
    convolved = [
        keras.ops.convert_to_numpy(model.get_layer("conv")(data[index][0] / np.float32(255))) for index in range(4)
    ]
    norm = model.get_layer("norm")
    wanted = np.mean([array.mean(axis=(0, 1, 2)) for array in convolved], axis=0)
    np.testing.assert_allclose(value_of(norm.moving_mean), wanted, rtol=1e-4, atol=1e-5)
    wanted = np.mean([array.var(axis=(0, 1, 2)) for array in convolved], axis=0)
    np.testing.assert_allclose(value_of(norm.moving_variance), wanted, rtol=1e-4)


def test_the_training_goes_on_with_the_statistics_of_the_weights(tmp_path, change):
    """Also the states of dropout: a run with an average takes the same steps as one without."""
    ends = []

    def last(folder, **fields):
        change(epochs=2, **fields)
        zoo.train("dots", out=tmp_path / folder, progress=False)
        with np.load(sorted((tmp_path / folder / epochs.record.CHECKPOINTS).glob("epoch*"))[-1]) as arrays:
            ends.append([arrays[f"variable/{index}"] for index in range(8)])

    last("average", ema=0.9)
    last("plain", ema=None)
    for one, other in zip(*ends, strict=True):
        assert np.array_equal(one, other)
