"""The training loop: a recipe and a seed in, a folder with trained weights out."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo.models.recipe import Recipe
from zoo.training import record
from zoo.training.batches import TrainingBatches

_SMOKE_IMAGES = 256


def train(
    name: str,
    *,
    out: str | os.PathLike[str],
    seed: int = 0,
    data: str | os.PathLike[str] | None = None,
    epochs: int | None = None,
    smoke: bool = False,
    progress: bool = True,
) -> Path:
    """Trains a registered model by its recipe.

    The run folder gets `run.json` (model, seed, resolved recipe, versions, and at the end accuracy and time),
    `history.csv`, a checkpoint an epoch, and at last the weights in the form that `zoo.load` reads. A run that was
    interrupted goes on from its last checkpoint when it is started again with the same arguments; one that is complete
    is returned as it is. The step is compiled by XLA on TensorFlow and JAX.

    Args:
        name: a model that has a recipe.
        out: the run folder.
        seed: of initial weights, order, augmentation and dropout.
        data: folder of the data sets; None takes the environment variable `ZOO_DATA`.
        epochs: instead of the recipe's number.
        smoke: one epoch on 256 images, to see that everything works.
        progress: print Keras' progress to the standard output.

    Returns:
        The run folder, for `zoo.load(folder)` and `zoo.publish`.

    Raises:
        ValueError: unknown model, no recipe, a seed outside 0..2^32 - 1, or a folder that holds something else.
        FileNotFoundError: the data set is not there.
        FloatingPointError: the loss became NaN or infinite; the last checkpoint is kept.

    Example:
        >>> import tempfile, zoo
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
        ...     run = zoo.train("e4net_mnistrot", out=folder, smoke=True)
        ...     model = zoo.load(run)
    """
    recipe = resolve_recipe(name, epochs=1 if smoke else epochs)
    if not 0 <= seed < 2**32:
        raise ValueError(f"Expected a seed from 0 to 2^32 - 1; got {seed}.")
    folder = Path(out)
    identity = {"model": name, "seed": seed, "recipe": record.recipe_facts(recipe), "smoke": smoke}
    if record.find_run(folder, identity)["finished"]:
        return folder
    train_set, validation_set = _read(recipe, data, smoke)
    record.open_run(folder, identity)
    keras.utils.set_random_seed(seed)
    model = hub.build(name, **recipe.overrides)
    batches = TrainingBatches(
        *train_set,
        batch_size=recipe.batch_size,
        seed=seed,
        augment=recipe.augmentation,
        first_epoch=record.epochs_done(folder),
    )
    model.compile(**compile_arguments(recipe, steps=recipe.epochs * len(batches)))
    started = time.monotonic()
    verbose = (1 if os.isatty(1) else 2) if progress else 0
    _fit(model, batches, validation_set, recipe, folder=folder, seed=seed, verbose=verbose)
    record.add_minutes(folder, (time.monotonic() - started) / 60)
    loss, accuracy = model.evaluate(validation_set[0], validation_set[1], batch_size=250, verbose=0)
    hub.save(model, folder)
    record.close_run(folder, validation={"accuracy": accuracy, "loss": loss, "images": len(validation_set[1])})
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


def compile_arguments(recipe: Recipe, *, steps: int) -> dict[str, Any]:
    """Optimizer, loss and metrics of a recipe, as arguments of `model.compile`."""
    warmup = round(recipe.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), warmup_target=recipe.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=list(recipe.decay_exclude))
    return {
        "optimizer": optimizer,
        "loss": smoothed_crossentropy(recipe.label_smoothing),
        "metrics": ["accuracy"],
        "jit_compile": keras.backend.backend() != "torch",
    }


def smoothed_crossentropy(smoothing: float) -> Any:
    """Cross-entropy of integer labels and logits; `smoothing` of the mass is spread evenly over all classes."""
    if not smoothing:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss(labels: Any, logits: Any) -> Any:
        classes = keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32")
        one_hot = keras.ops.one_hot(classes, logits.shape[-1], dtype=logits.dtype)
        return keras.losses.categorical_crossentropy(one_hot, logits, from_logits=True, label_smoothing=smoothing)

    return loss


def _read(recipe: Recipe, data: Any, smoke: bool) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    count = _SMOKE_IMAGES if smoke else None
    splits = (datasets.load(recipe.dataset, split, data=data) for split in ("train", "validation"))
    return tuple((images[:count], labels[:count]) for images, labels in splits)


def _fit(
    model: keras.Model,
    batches: TrainingBatches,
    validation: Any,
    recipe: Recipe,
    *,
    folder: Path,
    seed: int,
    verbose: int,
) -> None:
    class Guard(keras.callbacks.Callback):
        """Comes before the checkpoint, so that no checkpoint ever holds NaN weights."""

        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            # Checkpoints hold no random states: each epoch starts from its own, resumed or not.
            keras.utils.set_random_seed(seed + epoch)  # torch's dropout draws from torch's global state
            for variable in self.model.non_trainable_variables:
                if variable.name == "seed_generator_state":
                    variable.assign([seed, epoch])

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            loss = (logs or {}).get("loss", math.nan)
            if not math.isfinite(loss):
                raise FloatingPointError(f"The loss was {loss} in epoch {epoch + 1}; the checkpoint before it is kept.")

    model.fit(
        batches,
        validation_data=validation,
        validation_batch_size=250,
        epochs=recipe.epochs,
        verbose=verbose,
        callbacks=[
            Guard(),
            keras.callbacks.CSVLogger(str(folder / record.HISTORY), append=True),
            keras.callbacks.BackupAndRestore(str(folder / record.CHECKPOINT), delete_checkpoint=False),
        ],
    )
