"""Whether a penalty on strengths can do anything in the time that a recipe gives it."""

from __future__ import annotations

import statistics
import warnings
from typing import Any

import numpy as np

from zoo.layers.protocol import has_strengths
from zoo.losses import penalty_budget
from zoo.models.recipe import Recipe
from zoo.training.schedules import make_schedule

_ENOUGH = 3.0
_SAMPLES = 16


def check_budget(model: Any, recipe: Recipe, *, steps_per_epoch: int) -> None:
    """Warns if the penalty cannot move strengths by several times what they are when training begins.

    Args:
        model: the model, with the weights it begins with.
        recipe: what will be done; of optimizers, momentum SGD alone has a budget.
        steps_per_epoch: batches an epoch.
    """
    layers = [layer for layer in model.layers if has_strengths(layer)]
    penalties = [(layer, _weight(layer, recipe)) for layer in layers]
    if recipe.optimizer != "sgd" or not any(weight for _, weight in penalties):
        return
    steps = recipe.epochs * steps_per_epoch
    schedule: Any = make_schedule(recipe, steps_per_epoch=steps_per_epoch)
    mean = statistics.fmean(float(schedule(step)) for step in steps * (np.arange(_SAMPLES) + 0.5) / _SAMPLES)
    reach = [(layer, penalty_budget(weight, mean * steps, momentum=recipe.momentum)) for layer, weight in penalties]
    strengths = [(layer.plain_strengths(), budget) for layer, budget in reach]
    every = sum(values.size for values, _ in strengths)
    short = sum(int((budget < _ENOUGH * values).sum()) for values, budget in strengths)
    if 2 * short > every:
        farthest = max(budget for _, budget in reach)
        warnings.warn(
            f"The penalty is too weak for so few steps: it can move strengths by {farthest:.2g}, and "
            f"{100 * short // every} % of them are more than a third of that. Nothing will come near 0: train longer, "
            "or raise the penalty.",
            stacklevel=3,
        )


def _weight(layer: Any, recipe: Recipe) -> float:
    """Weight of the penalty, that of a proximal step in units of one that momentum multiplies."""
    steps = sum(step for word, step in recipe.proximal.items() if word in f"{layer.name}/strength")
    return float(getattr(getattr(layer, "strength_regularizer", None), "l1", 0.0)) + steps * (1 - recipe.momentum)
