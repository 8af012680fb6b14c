"""Gradients of a network's outputs and of the penalties that its layers add."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def gradients(model: keras.Model, x: np.ndarray) -> tuple[np.ndarray, float, dict[str, np.ndarray]]:
    """A training pass: outputs, the penalties' sum, and gradients of `sum(outputs^2)` plus that by variable path."""
    run = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    outputs, penalty, found = run(model, x)
    paths = [variable.path for variable in model.trainable_variables]
    to_numpy = keras.ops.convert_to_numpy
    return to_numpy(outputs), float(penalty), dict(zip(paths, map(to_numpy, found), strict=True))


def _tensorflow(model: keras.Model, x: np.ndarray) -> tuple[Any, Any, Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = model(x, training=True)
        penalty = sum(model.losses)
        loss = tf.reduce_sum(outputs**2) + penalty
    return outputs, penalty, tape.gradient(loss, [variable.value for variable in model.trainable_variables])


def _jax(model: keras.Model, x: np.ndarray) -> tuple[Any, Any, Any]:
    import jax

    state = [variable.value for variable in model.non_trainable_variables]

    def value(weights: Any) -> tuple[Any, Any]:
        outputs, new, losses = model.stateless_call(weights, state, x, training=True, return_losses=True)
        return (outputs**2).sum() + sum(losses), (outputs, sum(losses), new)

    weights = [variable.value for variable in model.trainable_variables]
    (_, (outputs, penalty, new)), found = jax.jit(jax.value_and_grad(value, has_aux=True))(weights)
    for variable, updated in zip(model.non_trainable_variables, new, strict=True):
        variable.assign(updated)
    return outputs, penalty, found


def _torch(model: keras.Model, x: np.ndarray) -> tuple[Any, Any, Any]:
    import torch

    outputs = model(torch.tensor(x), training=True)
    penalty = sum(model.losses)
    loss = (outputs**2).sum() + penalty
    return outputs, penalty, torch.autograd.grad(loss, [variable.value for variable in model.trainable_variables])
