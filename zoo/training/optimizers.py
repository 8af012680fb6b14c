"""From a recipe to its optimizer, and moving averages in the place of the weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from zoo.models.recipe import Recipe
from zoo.optimizers import SGD, Adam


def make_optimizer(recipe: Recipe, schedule: Any) -> Any:
    """The optimizer that a recipe describes, with this schedule of learning rates."""
    steps = recipe.gradient_accumulation_steps
    arguments: dict[str, Any] = {
        "decay": recipe.weight_decay,
        "decay_kind": recipe.decay_kind,
        "decay_exclude": recipe.decay_exclude,
        "multipliers": recipe.learning_rate_multipliers,
        "layer_decay": recipe.layer_decay,
        "proximal": recipe.proximal,
        "global_clipnorm": recipe.global_clipnorm,
        "gradient_accumulation_steps": steps if steps > 1 else None,
    }
    if recipe.ema is not None:
        arguments |= {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.optimizer == "sgd":
        return SGD(schedule, momentum=recipe.momentum, nesterov=recipe.nesterov, **arguments)
    return Adam(schedule, **arguments)


@contextmanager
def averaged(optimizer: Any) -> Iterator[None]:
    """Within it the variables hold their moving averages, if the optimizer keeps any."""
    pairs = inner(optimizer).averages()
    kept = [value_of(variable) for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(value_of(average))
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, kept, strict=True):
            variable.assign(value)


def value_of(variable: Any) -> np.ndarray:
    """A copy of a variable's value.

    Through a tensor: a variable that several TensorFlow devices mirror is no array by itself. A copy: what two
    variables share on JAX is lost to both when one of them is given to a compiled step.
    """
    return np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(variable)))


def inner(optimizer: Any) -> Any:
    """The optimizer inside the one that scales the loss for float16, or the optimizer itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)
