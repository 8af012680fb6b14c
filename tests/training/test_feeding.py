"""Batches of one's own in a run: `PyDataset`, `tf.data.Dataset`, functions of the epoch; each resumed bit-equal."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.datasets import DataSet
from zoo.models.recipe import Recipe
from zoo.training import epochs
from zoo.training.feeding import Feed, count_examples, evaluation_arguments

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")
RECIPE = Recipe(epochs=3, batch_size=8, learning_rate=0.05)
ONE = {"strategy": "single", "xla": False, "progress": False}


class Batches(keras.utils.PyDataset):
    """Five batches, cut anew after each epoch by a generator of its own."""

    def __init__(self):
        super().__init__()
        self.rng = np.random.default_rng(3)
        self.order = np.arange(40)

    def __len__(self):
        return 5

    def __getitem__(self, index):
        chosen = self.order[8 * index : 8 * index + 8]
        return X[chosen], Y[chosen]

    def on_epoch_end(self):
        self.order = self.rng.permutation(40)


def stream(seed=None):
    tf = pytest.importorskip("tensorflow")
    found = tf.data.Dataset.from_tensor_slices((X, Y))
    return (found if seed is None else found.shuffle(40, seed=seed)).batch(8)


SPLITS = {"keras": Batches, "tf.data": stream, "by epoch": lambda: lambda epoch: stream(seed=epoch)}


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.1), keras.layers.Dense(2)])


@pytest.mark.parametrize("name", SPLITS)
def test_a_run_on_batches_goes_on_bit_equal(tmp_path, model, monkeypatch, name):
    def train(out, **options):
        data = DataSet(train=SPLITS[name](), validation=stream(), kind="arrays", classes=["no", "yes"])
        return zoo.train(model, out=out, recipe=RECIPE, data=data, **ONE, **options)

    whole = train(tmp_path / "whole")
    save = epochs.Checkpoints.save

    def interrupt(self, progress):
        save(self, progress)
        if (progress.epoch, progress.step) == (2, 3):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(epochs.Checkpoints, "save", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "run", checkpoint_steps=3)
    run = train(tmp_path / "run", checkpoint_steps=3)
    assert (run / "history.csv").read_text() == (whole / "history.csv").read_text()
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def rows(part):
    return [[tuple(row) for row in part[index][0]] for index in range(len(part))]


def test_every_batch_comes_once_an_epoch_in_a_drawn_order():
    first = np.arange(40).reshape(5, 8)
    orders = [rows(Feed(Batches(), RECIPE, seed=seed, classes=2).part(0, 0)) for seed in (0, 0, 1)]
    given = [[tuple(X[i]) for i in batch] for batch in first]
    assert sorted(orders[0]) == sorted(given) and orders[0] == orders[1] != orders[2]
    feed = Feed(Batches(), RECIPE, seed=0, classes=2)
    assert rows(feed.part(0, 2, 4)) == orders[0][2:4] and len(feed.part(0, 2)) == 3


def test_streams_keep_their_order_and_are_read_from_anywhere():
    feed = Feed(stream(), RECIPE, seed=0, classes=2)
    part = feed.part(0, 1, 4)
    whole = [[tuple(X[i]) for i in range(8 * k, 8 * k + 8)] for k in range(5)]
    assert rows(part) == whole[1:4] == rows(part) and part[2][1].dtype == np.int32
    assert [len(evaluation_arguments(stream())["x"]), count_examples(stream()), count_examples((X, Y))] == [5, None, 40]


def test_batches_that_cannot_be_trained_on(monkeypatch):
    def feed(split, **changes):
        return Feed(split, RECIPE.changed(**changes), seed=0, classes=2)

    with pytest.raises(ValueError, match="known, finite length: .*assert_cardinality"):
        feed(stream().repeat())
    with pytest.raises(ValueError, match="at least one batch; the data set has none"):
        feed(stream().take(0))
    with pytest.raises(ValueError, match="Augmentation is for images as arrays; leave flip out"):
        feed(Batches(), augmentation=["flip"])
    shorter = feed(lambda epoch: stream().take(5 - epoch))
    with pytest.raises(ValueError, match="Epoch 2 has 4 batches; expected 5 as in the first"):
        shorter.part(1, 0)
    monkeypatch.setattr(Batches, "__getitem__", lambda self, index: X)
    with pytest.raises(ValueError, match=r"batches \(inputs, labels\)"):
        feed(Batches()).part(0, 0)[0]
