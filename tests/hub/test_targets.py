"""Labels that cannot be meant, on every backend: refused, or a loss that is NaN; never a number that looks right."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.hub import targets

X = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")


class Small(targets.CheckedLabels, keras.Model):
    """As zoo's models are."""


def small(classes: int = 3, loss: object = None, *, xla: bool = False) -> keras.Model:
    inputs = keras.Input((4,), name="x")
    model = Small(inputs, keras.layers.Dense(classes, name="head")(inputs))
    xla = xla and keras.backend.backend() != "torch"
    model.compile("adam", loss=loss or targets.ClassCrossentropy(), metrics=["accuracy"], jit_compile=xla)
    return model


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, 2, 3, 1, 2, 3], r"label 3 is outside 0..2: .* 2 of 6 .*counted from 1, subtract 1"),
        ([0, 1, 2, 0, 1, 3], r"label 3 is outside 0..2"),
        ([0, -1, 2, 0, 1, 2], r"label -1 is outside 0..2"),
        ([0, 1.5, 2, 0, 1, 2], r"label 1.5 is no class number"),
        ([0, np.nan, 2, 0, 1, 2], r"label nan is no class number"),
        (np.eye(3)[[0, 1, 2, 0, 1, 2]], r"one-hot rows of shape \(6, 3\): pass labels.argmax"),
        (["a", "b", "c", "a", "b", "c"], "as numbers; got <U1"),
        ([[0], [1], [2], [0], [1], [7]], r"label 7 is outside 0..2"),
        (np.eye(2)[[0, 1, 1, 0, 1, 0]], r"got rows of 2, shape \(6, 2\): one-hot rows of another number"),
    ],
)
def test_arrays_are_checked_before_a_weight_changes(labels, message):
    model = small()
    labels, before = np.array(labels), model.get_weights()
    for use in (
        lambda: model.fit(X, labels, verbose=0),
        lambda: model.fit(X, np.zeros(6, int), validation_data=(X, labels), verbose=0),
        lambda: model.evaluate(X, labels, verbose=0),
        lambda: model.train_on_batch(X, labels),
        lambda: model.test_on_batch(X, labels),
    ):
        with pytest.raises(ValueError, match=message):
            use()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("labels", [[0, 1, 2, 0, 1, 2], [[0], [1], [2], [0], [1], [2]], [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]])
def test_good_labels_train(labels):
    model = small()
    assert np.isfinite(model.fit(X, np.array(labels), verbose=0).history["loss"]).all()
    assert np.isfinite(model.evaluate(X, np.array(labels), verbose=0)).all()


class Batches(keras.utils.PyDataset):
    def __init__(self, labels) -> None:
        super().__init__()
        self.labels = np.array(labels)

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int):
        return X[3 * index : 3 * index + 3], self.labels[3 * index : 3 * index + 3]


@pytest.mark.parametrize("labels", [[0, 5, 1, 0, 1, 2], [0, 1, 2, -1, 1, 2], [0, 0.5, 1, 2, 1, 2]])
def test_in_a_compiled_step_the_loss_is_no_number_and_the_weights_stay_finite(labels):
    model = small(xla=True)
    for use in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"loss is NaN: a label is outside of 0..2"):
            use(Batches(labels), verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_the_guard_asks_nothing_of_the_model():
    """Keras' `Callback.model` brings the state of JAX home, in a thread of the callback a state that is no more."""
    guard = targets._LossGuard(2)
    for look in (guard.on_epoch_end, guard.on_train_batch_end):
        with pytest.raises(ValueError, match=r"loss is NaN: a label is outside of 0..2"):
            look(0, {"loss": np.float32("nan")})
    guard.on_train_batch_end(1, {"loss": np.float32("nan")})  # Only the first step and whole epochs are looked at.


def test_ignored_and_unweighted_labels_may_be_anything():
    model = small(loss=targets.ClassCrossentropy(ignore_class=255))
    assert np.isfinite(model.evaluate(X, np.array([0, 255, 1, 2, 255, 0]), verbose=0)[0])
    with pytest.raises(ValueError, match=r"label 254 is outside 0..2 or 255 \(ignored\)"):
        model.fit(X, np.array([0, 255, 1, 2, 254, 0]), verbose=0)
    model, weights = small(), np.array([1.0, 0, 1, 1, 0, 1])
    masked = model.evaluate(X, np.array([0, -1, 1, 2, 9, 0]), sample_weight=weights, verbose=0)[0]
    whole = model.evaluate(X, np.array([0, 0, 1, 2, 0, 0]), sample_weight=weights, verbose=0)[0]
    assert masked == pytest.approx(whole)
    model.fit(X, np.array([0, -1, 1, 2, 9, 0]), sample_weight=weights, verbose=0)


def test_several_labels_and_one_logit():
    model = small(loss=targets.LabelCrossentropy())
    model.fit(X, np.eye(3)[[0, 1, 2, 0, 1, 2]], verbose=0)
    with pytest.raises(ValueError, match=r"label 2 is outside 0..1: expected 0 .* or 1 .* for each of 3 logits"):
        model.fit(X, np.full((6, 3), 2), verbose=0)
    with pytest.raises(ValueError, match="loss is NaN"):
        model.fit(Batches(np.full((6, 3), 2)), verbose=0)
    one = small(1, loss=targets.LabelCrossentropy())
    one.fit(X, np.array([0, 1, 1, 0, 1, 0]), verbose=0)
    with pytest.raises(ValueError, match="label -1 is outside 0..1"):
        one.fit(X, np.array([0, 1, 1, 0, 1, -1]), verbose=0)


def test_the_loss_is_that_of_keras():
    logits = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")
    for made, plain, labels in (
        (targets.ClassCrossentropy(), keras.losses.SparseCategoricalCrossentropy(from_logits=True), [0, 1, 2, 0, 1, 2]),
        (targets.LabelCrossentropy(), keras.losses.BinaryCrossentropy(from_logits=True), np.eye(3)[[0, 1, 2, 0, 1, 2]]),
    ):
        assert float(made(np.array(labels), logits)) == pytest.approx(float(plain(np.array(labels), logits)), rel=1e-6)
        again = keras.losses.deserialize(keras.losses.serialize(made))
        assert type(again) is type(made) and again.get_config() == made.get_config()


def test_losses_of_ones_own_are_left_alone():
    model = small(loss=keras.losses.CategoricalCrossentropy(from_logits=True))
    model.fit(X, np.eye(3)[[0, 1, 2, 0, 1, 2]], verbose=0)
    model = small(loss="mse")
    model.fit(X, np.full((6, 3), 7.0), verbose=0)


@pytest.mark.parametrize("width", [1, 4])
def test_labels_of_another_width_are_no_yes_or_no_for_each_logit(width):
    model = small(loss=targets.LabelCrossentropy())
    before = model.get_weights()
    for use in (lambda y: model.fit(X, y, verbose=0), lambda y: model.evaluate(X, y, verbose=0)):
        with pytest.raises(ValueError, match=f"for each of 3 logits; got rows of {width}"):
            use(np.ones((6, width)))
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
