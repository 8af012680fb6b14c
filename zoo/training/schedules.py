"""Learning rates over the steps of a run, as serialisable Keras schedules."""

from __future__ import annotations

import keras

from zoo.models.recipe import Recipe


def make_schedule(recipe: Recipe, *, steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The schedule that a recipe names.

    Args:
        recipe: `schedule`, `learning_rate`, `epochs` and what belongs to that schedule are read.
        steps_per_epoch: batches an epoch.

    Returns:
        A function of the number of steps done.
    """
    schedules = keras.optimizers.schedules
    rate, steps = recipe.learning_rate, recipe.epochs * steps_per_epoch
    if recipe.schedule == "one_cycle":
        warmup = round(recipe.warmup * steps)
        return schedules.CosineDecay(0.0, max(steps - warmup, 1), warmup_target=rate, warmup_steps=warmup)
    if recipe.schedule == "cosine":
        return schedules.CosineDecay(rate, steps)
    if recipe.schedule == "step":
        # A boundary is the last step of the rate before it.
        boundaries = [epoch * steps_per_epoch - 1 for epoch in recipe.milestones]
        values = [rate * recipe.decay_factor**index for index in range(len(boundaries) + 1)]
        return schedules.PiecewiseConstantDecay(boundaries, values)
    return schedules.ExponentialDecay(rate, steps, decay_rate=1.0)  # 1 to any power: constant
