"""What the tests of equivariant layers share."""

from __future__ import annotations

import keras
import numpy as np


def randomize(model, seed: int = 0) -> None:
    """Gives every weight a random value, norms and statistics included, so that no symmetry of the start remains."""
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "seed_generator" in weight.path:
            continue
        values = rng.normal(size=weight.shape)
        if weight.path.endswith(("variance", "gamma")):
            values = rng.uniform(0.5, 1.5, size=weight.shape)
        elif len(weight.shape) > 1:
            values = values / np.sqrt(np.prod(weight.shape[:-1]))
        weight.assign(values.astype("float32"))


def normal(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def gradients(layer, x: np.ndarray, *, training: bool = False, cotangent: np.ndarray | None = None):
    """Output and gradients of sum(output^2), or sum(cotangent * output): (output, input's, {path: weight's})."""
    variables = list(layer.trainable_variables)

    def objective(outputs):
        weight = outputs if cotangent is None else keras.ops.convert_to_tensor(cotangent)
        return keras.ops.sum(outputs * weight)

    arguments = {"training": True} if training else {}  # most layers' `call` takes no such argument
    run = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()]
    outputs, input_gradient, weight_gradients = run(layer, x, arguments, variables, objective)
    to_numpy = keras.ops.convert_to_numpy
    paths = [variable.path for variable in variables]
    return (
        to_numpy(outputs),
        to_numpy(input_gradient),
        dict(zip(paths, map(to_numpy, weight_gradients), strict=True)),
    )


def _tensorflow(layer, x, arguments, variables, objective):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        inputs = tf.convert_to_tensor(x)
        tape.watch(inputs)
        outputs = layer(inputs, **arguments)
        value = objective(outputs)
    input_gradient, weights = tape.gradient(value, (inputs, [variable.value for variable in variables]))
    return outputs, input_gradient, weights


def _jax(layer, x, arguments, variables, objective):
    import jax

    state = [variable.value for variable in layer.non_trainable_variables]

    def value(inputs, weights):
        outputs, new_state = layer.stateless_call(weights, state, inputs, **arguments)
        return objective(outputs), (outputs, new_state)

    weights = [variable.value for variable in variables]
    compiled = jax.jit(jax.value_and_grad(value, argnums=(0, 1), has_aux=True))  # op by op takes far longer
    (_, (outputs, new_state)), (input_gradient, weight_gradients) = compiled(jax.numpy.asarray(x), weights)
    for variable, updated in zip(layer.non_trainable_variables, new_state, strict=True):
        variable.assign(updated)
    return outputs, input_gradient, weight_gradients


def _torch(layer, x, arguments, variables, objective):
    import torch

    inputs = torch.tensor(x, requires_grad=True)
    outputs = layer(inputs, **arguments)
    tensors = [variable.value for variable in variables]
    found = torch.autograd.grad(objective(outputs), [inputs, *tensors])
    return outputs, found[0], found[1:]
