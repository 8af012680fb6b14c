"""Optimizers under `fit`, compiled where there is XLA, against loops in NumPy with double precision.

The network is linear and its loss is its output: the gradient of both kernels is the input, that of both biases is 1.
"""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from zoo.models.recipe import Recipe
from zoo.training.optimizers import averaged, inner, make_optimizer
from zoo.training.schedules import make_schedule

STEPS, SIZE = 7, 3
XLA = keras.backend.backend() != "torch"
BASE = {"dataset": "d", "epochs": 1, "batch_size": 1, "learning_rate": 0.1, "schedule": "constant"}
SGD = {"optimizer": "sgd", "momentum": 0.9}
STEPPED = {"schedule": "step", "milestones": (1, 2), "epochs": 3}  # the rate changes: is it inside the momentum?


def make_model():
    inputs = keras.Input((SIZE,))
    outputs = keras.layers.Add(name="add")([keras.layers.Dense(1, name=name)(inputs) for name in ("body", "head")])
    return keras.Model(inputs, outputs, name="line")


def train(recipe, gradients):
    """Start values, final values and averages of the variables by path."""
    keras.utils.set_random_seed(5)
    model = make_model()
    schedule = make_schedule(recipe, steps_per_epoch=math.ceil(len(gradients) / recipe.epochs))
    optimizer = make_optimizer(recipe, schedule)
    model.compile(optimizer, loss=lambda _, output: output, jit_compile=XLA)
    start = values(model)
    model.fit(gradients, np.zeros(len(gradients)), batch_size=1, shuffle=False, verbose=0)
    assert model.jit_compile == XLA
    with averaged(optimizer):
        averages = values(model)
    return start, values(model), averages


def values(model):
    return {v.path: np.array(keras.ops.convert_to_numpy(v)).astype("float64") for v in model.trainable_variables}


def expected(recipe, gradients, start):
    """The same in NumPy: final values and averages."""
    w = {path: value.copy() for path, value in start.items()}
    state = {path: (np.zeros_like(value), np.zeros_like(value)) for path, value in start.items()}
    averages, waiting, updates = dict(w), {path: [] for path in w}, 0
    per_epoch = math.ceil(len(gradients) / recipe.epochs)
    for step, row in enumerate(gradients.astype("float64")):
        for path in w:
            waiting[path].append(row[:, None] if "kernel" in path else np.ones(1))
        if (step + 1) % recipe.gradient_accumulation_steps:
            continue
        g = {path: np.mean(rows, axis=0) for path, rows in waiting.items()}
        norm = math.sqrt(sum((value**2).sum() for value in g.values()))
        scale = min(1, (recipe.global_clipnorm or math.inf) / norm)
        waiting, updates = {path: [] for path in w}, updates + 1
        base = recipe.learning_rate * recipe.decay_factor ** sum(step // per_epoch >= m for m in recipe.milestones)
        for path in w:
            rate = base * math.prod(f for word, f in recipe.learning_rate_multipliers.items() if word in path)
            decay = 0.0 if any(word in path for word in recipe.decay_exclude) else recipe.weight_decay
            gradient = scale * g[path]
            if recipe.decay_kind == "l2":
                gradient = gradient + decay * w[path]
            else:
                w[path] = w[path] * (1 - rate * decay)
            w[path] = w[path] - rate * direction(recipe, state, path, gradient, updates)
            threshold = rate * sum(step for word, step in recipe.proximal.items() if word in path)
            w[path] = np.sign(w[path]) * np.maximum(np.abs(w[path]) - threshold, 0)
            share = recipe.ema if recipe.ema and updates > 1 else 0.0
            averages[path] = share * averages[path] + (1 - share) * w[path]
    return w, averages


def direction(recipe, state, path, gradient, updates):
    first, second = state[path]
    if recipe.optimizer == "sgd":
        first[...] = recipe.momentum * first + gradient
        return gradient + recipe.momentum * first if recipe.nesterov else first
    first[...] = 0.9 * first + 0.1 * gradient
    second[...] = 0.999 * second + 0.001 * gradient**2
    return first / (1 - 0.9**updates) / (np.sqrt(second / (1 - 0.999**updates)) + 1e-7 / math.sqrt(1 - 0.999**updates))


@pytest.mark.parametrize(
    "fields",
    [
        SGD | STEPPED,
        SGD | STEPPED | {"decay_kind": "l2", "weight_decay": 0.3},
        SGD | {"decay_kind": "l2", "weight_decay": 0.3, "nesterov": True, "decay_exclude": ("head", "bias")},
        SGD | {"weight_decay": 0.3, "decay_exclude": ()},
        SGD | {"momentum": 0.0, "learning_rate_multipliers": {"head": 0.1, "bias": 0.0}},
        SGD
        | {
            "global_clipnorm": 1.5,
            "gradient_accumulation_steps": 2,
            "ema": 0.7,
            "decay_kind": "l2",
            "weight_decay": 0.3,
        },
        {"optimizer": "adamw", "weight_decay": 0.3},
        {"optimizer": "adam", "decay_kind": "l2", "weight_decay": 0.3, "learning_rate_multipliers": {"body": 0.5}},
        {
            "optimizer": "adamw",
            "weight_decay": 0.3,
            "global_clipnorm": 1.0,
            "gradient_accumulation_steps": 3,
            "ema": 0.9,
        }
        | STEPPED,
        SGD | {"ema": 0.7},
        SGD | {"proximal": {"body": 0.5, "kernel": 0.2}, "learning_rate_multipliers": {"head": 0.5}},
        {"optimizer": "adamw", "weight_decay": 0.3, "proximal": {"head": 2.0}},
    ],
    ids=lambda fields: "-".join(f"{name}={value}" for name, value in fields.items()).replace(" ", ""),
)
def test_steps_are_those_of_the_formulas(fields):
    recipe = Recipe(**BASE | fields)
    gradients = np.random.default_rng(1).normal(size=(STEPS, SIZE)).astype("float32")
    start, final, averages = train(recipe, gradients)
    wanted, wanted_averages = expected(recipe, gradients, start)
    # Adam's 1 - 0.999^t has few digits in single precision while t is small.
    close = {"rtol": 2e-5, "atol": 2e-6} if recipe.optimizer == "sgd" else {"rtol": 1e-4, "atol": 2e-5}
    for path in start:
        np.testing.assert_allclose(final[path], wanted[path], **close, err_msg=path)
        if recipe.ema:
            np.testing.assert_allclose(averages[path], wanted_averages[path], **close, err_msg=path)
        else:
            assert np.array_equal(averages[path], final[path])


def test_l2_inside_the_momentum_is_not_decoupled_decay():
    gradients = np.ones((STEPS, SIZE), "float32")
    ends = [
        train(Recipe(**BASE | SGD | {"weight_decay": 0.3, "decay_kind": kind}), gradients)[1]
        for kind in ("l2", "decoupled")
    ]
    assert abs(ends[0]["body/kernel"] - ends[1]["body/kernel"]).max() > 0.01


def test_a_word_that_is_nowhere_is_an_error():
    optimizer = make_optimizer(Recipe(**BASE, learning_rate_multipliers={"haed": 0.1}), 0.1)
    with pytest.raises(ValueError, match="no trained variable's path contains haed"):
        optimizer.build(make_model().trainable_variables)
    optimizer = make_optimizer(Recipe(**BASE, proximal={"strength": 0.1}), 0.1)
    with pytest.raises(ValueError, match="proximal: no trained variable's path contains strength"):
        optimizer.build(make_model().trainable_variables)


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_an_optimizer_survives_its_configuration(name):
    recipe = Recipe(
        **BASE, optimizer=name, weight_decay=0.1, decay_kind="l2", ema=0.9, learning_rate_multipliers={"a": 2}
    )
    optimizer = make_optimizer(recipe, make_schedule(recipe, steps_per_epoch=3))
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(copy) is type(optimizer) and copy.get_config() == optimizer.get_config()
    assert copy.multipliers == {"a": 2} and copy.decay_kind == "l2" and copy.decay_exclude == recipe.decay_exclude


def test_inner_finds_the_optimizer_behind_the_loss_scale():
    optimizer = make_optimizer(Recipe(**BASE), 0.1)
    assert inner(keras.optimizers.LossScaleOptimizer(optimizer)) is optimizer is inner(optimizer)
