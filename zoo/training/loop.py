"""The training loop: a recipe and a seed in, a folder with trained weights out."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo.hub.loading import dtype_policy
from zoo.models.recipe import Recipe
from zoo.training import publishing, record
from zoo.training.compiling import PRECISIONS, compile_arguments, compile_trainer
from zoo.training.epochs import Epochs, Split

_SMOKE_EXAMPLES = 256


def train(
    name: str,
    *,
    out: str | os.PathLike[str],
    seed: int = 0,
    data: str | os.PathLike[str] | None = None,
    precision: str = "float32",
    epochs: int | None = None,
    smoke: bool = False,
    publish: str | None = None,
    steps_per_execution: int = 1,
    checkpoint_steps: int | None = None,
    progress: bool = True,
) -> Path:
    """Trains a registered model by its recipe.

    The run folder gets `run.json` (model, seed, resolved recipe, versions, state of the code, and at the end accuracy
    and time), `history.csv`, TensorBoard events, checkpoints, and at last the weights in the form that `zoo.load`
    reads. A run that was interrupted, in whatever way, goes on from its last checkpoint when it is started again with
    the same arguments; one that is complete is returned as it is. The step is compiled by XLA on TensorFlow and JAX.

    Args:
        name: a model that has a recipe.
        out: the run folder.
        seed: of initial weights, order, augmentation and dropout.
        data: folder of the data sets; None takes the environment variable `ZOO_DATA`.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; weights are float32 in each.
        epochs: instead of the recipe's number.
        smoke: one epoch on 256 examples, to see that everything works.
        publish: publish the finished run under this tag; that it is free is checked first.
        steps_per_execution: steps in one compiled call, which saves time where steps are short; not on torch.
        checkpoint_steps: save also after so many steps of an epoch; None saves after each epoch.
        progress: print to the standard error stream how it goes.

    Returns:
        The run folder, for `zoo.load(folder)` and `zoo.publish`.

    Raises:
        ValueError: unknown model, no recipe, a setting that cannot be, a layer that XLA cannot compile, or a folder
            that holds something else.
        FileExistsError: the tag to publish exists.
        FileNotFoundError: the data set is not there.
        OSError: the folder cannot be written, or the disk is full.
        FloatingPointError: the loss became NaN or infinite; the last checkpoint is kept.

    Example:
        >>> import tempfile, zoo
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
        ...     run = zoo.train("e4net_mnistrot", out=folder, smoke=True)
        ...     model = zoo.load(run)
    """
    recipe = resolve_recipe(name, epochs=1 if smoke else epochs)
    _check_settings(seed=seed, precision=precision, checkpoint_steps=checkpoint_steps)
    if publish is not None:
        publishing.check_tag(name, publish, smoke=smoke)
    folder = Path(out)
    identity = {
        "model": name,
        "seed": seed,
        "recipe": record.recipe_facts(recipe),
        "smoke": smoke,
        "precision": precision,
        "backend": keras.backend.backend(),
    }
    if not record.find_run(folder, identity)["finished"]:
        arguments = compile_arguments  # the optimizer belongs to a model and is made with it
        train_set, validation_set = _read(recipe, data, smoke)
        record.open_run(folder, identity)
        keras.utils.set_random_seed(seed)
        with dtype_policy(precision):
            model = hub.build(name, **recipe.overrides)
        steps = len(train_set[1]) // recipe.batch_size
        compile_trainer(
            model, arguments(recipe, steps_per_epoch=max(steps, 1), steps_per_execution=steps_per_execution)
        )
        _finish(
            Epochs(
                trainer=model,
                model=model,
                recipe=recipe,
                train=train_set,
                validation=validation_set,
                folder=folder,
                seed=seed,
                checkpoint_steps=checkpoint_steps,
                progress=progress,
            )
        )
    if publish is not None:
        publishing.publish(folder, publish, data=data)
    return folder


def resolve_recipe(name: str, *, epochs: int | None = None) -> Recipe:
    """The recipe of a registered model, with another number of epochs if given.

    Raises:
        ValueError: unknown model, no recipe, or a number of epochs below 1.
    """
    recipe = hub.find_recipe(name)
    if epochs is None:
        return recipe
    if epochs < 1:
        raise ValueError(f"Expected at least one epoch; got {epochs}.")
    return dataclasses.replace(recipe, epochs=epochs)


def _check_settings(*, seed: int, precision: str, checkpoint_steps: int | None) -> None:
    if not 0 <= seed < 2**32:
        raise ValueError(f"Expected a seed from 0 to 2^32 - 1; got {seed}.")
    if precision not in PRECISIONS:
        raise ValueError(f"Expected precision to be one of {PRECISIONS}; got {precision!r}.")
    if checkpoint_steps is not None and checkpoint_steps < 1:
        raise ValueError(f"Expected at least one step between checkpoints; got {checkpoint_steps}.")


def _read(recipe: Recipe, data: Any, smoke: bool) -> tuple[Split, ...]:
    count = max(_SMOKE_EXAMPLES, recipe.batch_size) if smoke else None
    splits = (datasets.load(recipe.dataset, split, data=data) for split in ("train", "validation"))
    return tuple(keras.tree.map_structure(lambda array: array[:count], tuple(split)) for split in splits)


def _finish(run: Epochs) -> None:
    """Trains and writes the result."""
    selected = run.run()
    hub.save(run.model, run.folder)
    _, labels, *weights = run.validation
    examples = int(np.count_nonzero(weights[0])) if weights else int(np.size(labels))
    facts = {"accuracy": selected["val_accuracy"], "loss": selected["val_loss"], "epoch": selected["epoch"] + 1}
    record.close_run(run.folder, minutes=run.done.seconds / 60, validation=facts | {"examples": examples})
