"""From a recipe to a compiled model: optimizer, loss, metrics, and XLA or an error."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras

from zoo import _keras, hub
from zoo.models.recipe import Recipe
from zoo.training.objective import CrossEntropy, accuracy_metric
from zoo.training.optimizers import make_optimizer
from zoo.training.schedules import make_schedule


def compile_arguments(recipe: Recipe, *, steps_per_epoch: int, steps_per_execution: int = 1) -> dict[str, Any]:
    """Arguments of `model.compile`.

    Args:
        recipe: what to do.
        steps_per_epoch: batches an epoch, for the schedule.
        steps_per_execution: steps that are compiled into one call.

    Raises:
        ValueError: several steps in one call on torch, which does not know that.
    """
    compiled = keras.backend.backend() != "torch"
    if steps_per_execution < 1 or (steps_per_execution > 1 and not compiled):
        raise ValueError(
            f"Expected steps_per_execution to be at least 1, and 1 on torch; got {steps_per_execution} on "
            f"{keras.backend.backend()}."
        )
    # A constant rate is a number, so that callbacks can set it.
    constant = recipe.schedule == "constant"
    rate: Any = recipe.learning_rate if constant else make_schedule(recipe, steps_per_epoch=steps_per_epoch)
    return {
        "optimizer": make_optimizer(recipe, rate),
        "loss": CrossEntropy(recipe.label_smoothing),
        "weighted_metrics": [accuracy_metric()],
        "steps_per_execution": steps_per_execution,
        "jit_compile": compiled,
    }


def compile_trainer(trainer: keras.Model, arguments: dict[str, Any]) -> None:
    """Compiles, makes the optimizer's variables, and notes the metrics as `trainer.zoo_metrics`.

    Raises:
        ValueError: XLA is asked for, and a layer cannot be compiled.
    """
    arguments = arguments | {"jit_compile": arguments["jit_compile"] and hub.suits_xla(trainer)}
    if arguments["jit_compile"]:
        check_jit(trainer)
    trainer.compile(**arguments)
    if bool(trainer.jit_compile) != arguments["jit_compile"]:
        raise ValueError("Keras has switched XLA off for this model, for example because of enable_op_determinism.")
    trainer.optimizer.build(trainer.trainable_variables)
    means = [metric for metric in trainer.metrics if metric.name == "loss"]
    trainer.zoo_metrics = (*means, *arguments["weighted_metrics"])


def check_jit(model: keras.Model) -> None:
    """Raises ValueError if a layer keeps XLA from compiling the model: Keras would go on without, several times slower.

    Such layers are random ones; their place is the input pipeline.
    """
    slow = [layer.name for layer in [model, *_keras.sublayers(model)] if not layer.supports_jit]
    if slow:
        raise ValueError(
            f"{model.name!r} cannot be compiled by XLA because of {', '.join(slow)} (supports_jit=False). Move random "
            "changes of the input into the recipe's augmentation, and replace other such layers."
        )


def scale_learning_rate(recipe: Recipe, replicas: int) -> Recipe:
    """The recipe for several devices by linear scaling: batch and learning rate times the number of replicas."""
    if replicas < 1:
        raise ValueError(f"Expected at least one replica; got {replicas}.")
    return dataclasses.replace(
        recipe, batch_size=recipe.batch_size * replicas, learning_rate=recipe.learning_rate * replicas
    )
