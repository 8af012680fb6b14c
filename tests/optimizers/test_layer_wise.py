"""Learning rates by layer: each variable moves as the plain optimizer moves it at its own rate."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from zoo.optimizers import LayerWise
from zoo.optimizers._rates import find_rates, group_of

XLA = keras.backend.backend() != "torch"
SIZE, STEPS = 3, 6
ROWS = np.random.default_rng(1).normal(size=(STEPS, SIZE)).astype("float32")


def make_model():
    """Its loss is its output, so that the gradients do not depend on the weights, and variables move on their own."""
    keras.utils.set_random_seed(5)
    inputs = keras.Input((SIZE,))
    parts = [keras.layers.Dense(1, name=name)(inputs) for name in ("stem", "stage1_block1", "head")]
    return keras.Model(inputs, keras.layers.Add(name="add")(parts), name="line")


def values(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in model.trainable_variables}


def trained(optimizer, *, compiled=False):
    model = make_model()
    model.compile(optimizer, loss=lambda _, output: output, jit_compile=compiled and XLA, run_eagerly=not compiled)
    model.fit(ROWS, np.zeros(STEPS), batch_size=1, shuffle=False, verbose=0)
    return model


def schedule(rate):
    return keras.optimizers.schedules.ExponentialDecay(rate, 2, 0.5)


MAKERS = {
    "sgd": lambda rate: keras.optimizers.SGD(rate, momentum=0.9),
    "adamw": lambda rate: keras.optimizers.AdamW(rate, weight_decay=0.2),
    "averages": lambda rate: keras.optimizers.Adam(rate, use_ema=True, ema_momentum=0.5),
    "accumulation": lambda rate: keras.optimizers.Adam(rate, gradient_accumulation_steps=2),
    "schedule": lambda rate: keras.optimizers.RMSprop(schedule(rate), clipnorm=0.5),
    "zoo": lambda rate: zoo.optimizers.SGD(rate, decay=0.1, decay_kind="l2"),
}


@pytest.mark.parametrize("kind", sorted(MAKERS))
def test_each_variable_moves_at_its_own_rate(kind):
    factors = {"stem": 0.25, "stage1_block1": 0.5, "head": 3.0}
    compiled = kind in ("adamw", "accumulation")
    found = values(trained(LayerWise(MAKERS[kind](0.1), {"head": 3.0}, layer_decay=0.5), compiled=compiled))
    for layer, factor in factors.items():
        wanted = values(trained(MAKERS[kind](0.1 * factor)))
        for path in (f"{layer}/kernel", f"{layer}/bias"):
            np.testing.assert_allclose(found[path], wanted[path], rtol=2e-5, atol=1e-6, err_msg=path)


def test_a_factor_of_0_keeps_a_variable():
    start, end = values(make_model()), values(trained(LayerWise("adam", {"stem/kernel": 0.0})))
    assert (start["stem/kernel"] == end["stem/kernel"]).all() and (start["stem/bias"] != end["stem/bias"]).all()


def test_a_keras_file_brings_it_with_its_state(tmp_path):
    model = make_model()
    model.compile(LayerWise(keras.optimizers.Adam(0.1), layer_decay=0.5), loss="mse", run_eagerly=True)
    model.fit(ROWS, np.zeros(STEPS), batch_size=2, verbose=0)
    model.save(tmp_path / "line.keras")
    again = keras.models.load_model(tmp_path / "line.keras")
    assert isinstance(again.optimizer, LayerWise) and again.optimizer.rates() == model.optimizer.rates()
    assert int(again.optimizer.iterations) == 3
    for one, other in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))
    for each in (model, again):
        each.fit(ROWS, np.zeros(STEPS), batch_size=2, shuffle=False, verbose=0)
    for path, value in values(model).items():
        np.testing.assert_allclose(values(again)[path], value, rtol=1e-6, err_msg=path)


def test_callbacks_change_its_rate():
    model = make_model()
    model.compile(LayerWise(keras.optimizers.SGD(0.1), {"head": 0.0}), loss="mse", run_eagerly=True)
    model.fit(ROWS, np.zeros(STEPS), verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda _: 0.0)])
    for path, value in values(make_model()).items():
        np.testing.assert_array_equal(values(model)[path], value, err_msg=path)


def test_it_serves_in_half_precision():
    optimizer = LayerWise(keras.optimizers.SGD(0.1), {"head": 0.0})
    scaled = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0)
    start, end = values(make_model()), values(trained(scaled))
    assert (start["head/kernel"] == end["head/kernel"]).all() and (start["stem/kernel"] != end["stem/kernel"]).all()


def test_groups_follow_the_names():
    stages = ["stem/kernel", "stage1_block1_conv1/kernel", "stage1_block1_conv1_norm/gamma", "stage2_block1/kernel"]
    assert find_rates([*stages, "head/kernel"], {"norm": 2.0}, 0.5, ()) == (0.125, 0.25, 0.5, 0.5, 1.0)
    plain = ["conv2d/kernel", "batch_normalization/gamma", "conv2d_1/kernel", "batch_normalization_1/gamma", "dense/k"]
    assert find_rates(plain, {}, 0.5, ()) == (0.25, 0.25, 0.5, 0.5, 1.0)
    assert find_rates(["a/x", "b/x", "a/y"], {}, 0.5, ("a", "b")) == (0.5, 1.0, 0.5)
    names = ["conv2_block1_1_conv", "block2a_expand_conv", "expanded_conv_project", "conv3d_2"]
    assert [group_of(name) for name in names] == ["conv2", "block2a", "expanded", "conv3d_2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"multipliers": {"tail": 2.0}}, "path contains tail"),
        ({"layer_decay": 0.5, "groups": ["stem", "head"]}, "none of the groups stem, head"),
        ({"layer_decay": 0.5, "groups": ["/"]}, "several groups"),
    ],
)
def test_words_that_fit_no_variable_are_errors(arguments, message):
    optimizer = LayerWise("sgd", **arguments)
    with pytest.raises(ValueError, match=message):
        optimizer.build(make_model().trainable_variables)


@pytest.mark.parametrize(
    ("optimizer", "arguments", "message"),
    [
        ("sgd", {"layer_decay": 1.5}, r"layer_decay` to be a number in \(0, 1\]; got 1.5"),
        ("sgd", {"multipliers": {"head": -1.0}}, "at least 0"),
        ("sgd", {"groups": "head"}, "list of words"),
        (0.1, {}, "Expected an optimizer such as"),
    ],
)
def test_what_cannot_be_meant_is_an_error(optimizer, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        LayerWise(optimizer, **arguments)


def test_an_optimizer_that_trained_is_refused():
    used = trained(keras.optimizers.SGD(0.1)).optimizer
    with pytest.raises(ValueError, match="built for a model already"):
        LayerWise(used)
