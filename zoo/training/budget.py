"""Whether a penalty on strengths can do anything in the time that a recipe gives it."""

from __future__ import annotations

import statistics
import warnings
from typing import Any

import keras
import numpy as np

from zoo.layers import SynapticConv2D
from zoo.losses import penalty_budget
from zoo.models.recipe import Recipe
from zoo.training.schedules import make_schedule

_ENOUGH = 3.0
_SAMPLES = 64


def check_budget(model: keras.Model, recipe: Recipe, *, steps_per_epoch: int) -> None:
    """Warns if the penalty cannot move strengths by several times what they are when training begins.

    Args:
        model: the model, with the weights it begins with.
        recipe: what will be done; of optimizers, momentum SGD alone has a budget.
        steps_per_epoch: batches an epoch.
    """
    layers = [layer for layer in model.layers if isinstance(layer, SynapticConv2D)]
    penalties = [(layer, _weight(layer, recipe)) for layer in layers]
    if recipe.optimizer != "sgd" or not any(weight for _, weight in penalties):
        return
    steps = recipe.epochs * steps_per_epoch
    schedule: Any = make_schedule(recipe, steps_per_epoch=steps_per_epoch)
    mean = statistics.fmean(float(schedule(step)) for step in np.linspace(0, steps - 1, _SAMPLES))
    short = []
    for layer, weight in penalties:
        budget = penalty_budget(weight, mean * steps, momentum=recipe.momentum)
        begin = float(np.median(keras.ops.convert_to_numpy(layer.strengths())))
        if weight and budget < _ENOUGH * begin:
            short.append(f"{layer.name} ({budget:.2g}, strengths {begin:.2g})")
    if short:
        warnings.warn(
            f"The penalty is too weak for so few steps: in {len(short)} of {len(layers)} layers it can move strengths "
            f"by less than {_ENOUGH:g} times what they are: {', '.join(short[:3])}. Train longer or raise the penalty.",
            stacklevel=3,
        )


def _weight(layer: SynapticConv2D, recipe: Recipe) -> float:
    """Weight of the penalty, that of a proximal step in units of one that momentum multiplies."""
    steps = sum(step for word, step in recipe.proximal.items() if word in f"{layer.name}/strength")
    return float(getattr(layer.strength_regularizer, "l1", 0.0)) + steps * (1 - recipe.momentum)
