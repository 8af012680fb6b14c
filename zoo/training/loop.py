"""The training loop: a recipe and a seed in, a folder with trained weights out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo.evaluation import ASSET, pack_graph, takes_graphs
from zoo.hub.loading import dtype_policy
from zoo.models.recipe import Recipe
from zoo.training import consistency, publishing, record, strategies
from zoo.training.budget import check_budget
from zoo.training.compiling import compile_arguments, compile_trainer, scale_learning_rate
from zoo.training.epochs import Epochs, Split
from zoo.training.optimizers import value_of
from zoo.training.settings import check_settings, whole

_SMOKE_EXAMPLES = 256


def train(
    name: str,
    *,
    out: str | os.PathLike[str],
    recipe: str | None = None,
    seed: int = 0,
    data: str | os.PathLike[str] | None = None,
    start: str | os.PathLike[str] | None = None,
    strategy: str = "auto",
    linear_scaling: bool = False,
    precision: str = "float32",
    xla: bool = True,
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
    On CPUs TensorFlow trains networks of ordinary convolutions faster without it.

    Args:
        name: a model that has a recipe.
        out: the run folder.
        recipe: another recipe than the model's own, by its name, such as `"faithful"` for the authors' settings where
            the family has them.
        seed: of initial weights, order, augmentation and dropout.
        data: folder of the data sets; None takes the environment variable `ZOO_DATA`.
        start: weights to begin with: a folder written by `zoo.train` or `zoo.save`, or a registered model with
            weights; their hashes belong to what the run is. None draws them at random.
        strategy: where it runs: `"auto"`, or one of `zoo.training.strategies.NAMES`. Where several processes train
            together, each makes the same call with a folder that all share, and the first one writes.
        linear_scaling: multiply batch size and learning rate by the number of replicas.
        precision: `"float32"`, `"mixed_bfloat16"` or `"mixed_float16"`; weights are float32 in each.
        xla: False keeps XLA out of it on TensorFlow, which then runs the step as a graph.
        epochs: instead of the recipe's number; the schedule is stretched or shortened to it, milestones included.
        smoke: one epoch on 256 examples, to see that everything works.
        publish: publish the finished run under this tag; that it is free is checked first.
        steps_per_execution: steps in one compiled call, which saves time where steps are short; not on torch.
        checkpoint_steps: save also after so many steps of an epoch; None saves after each epoch.
        progress: print to the standard error stream how it goes.

    Returns:
        The run folder, for `zoo.load(folder)` and `zoo.publish`.

    Raises:
        TypeError: `out` is no path.
        ValueError: unknown model, no recipe, a setting or strategy that cannot be, a layer that XLA cannot compile, a
            folder that holds something else, weights to begin with that do not fit, or none where the recipe needs
            them.
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
    counts = {"epochs": epochs, "steps_per_execution": steps_per_execution, "checkpoint_steps": checkpoint_steps}
    folder, seed = check_settings(out=out, seed=seed, precision=precision, **counts)
    devices = strategies.choose(strategy)  # before anything runs on the backend: it connects the processes
    settings = resolve_recipe(name, recipe, epochs=1 if smoke else epochs)
    devices, settings = _suit(devices, settings, chosen=strategy != "auto", linear_scaling=linear_scaling)
    if publish is not None:
        publishing.check_tag(name, publish, smoke=smoke)
    identity = {
        "model": name,
        "seed": seed,
        "recipe": record.recipe_facts(settings),
        "recipe_name": recipe,
        "start": _start_facts(name, settings, start),
        "smoke": smoke,
        "precision": precision,
        "xla": xla,
        "backend": keras.backend.backend(),
        "strategy": devices.name,
        "replicas": devices.replicas,
    }
    if not _is_finished(folder, identity, devices):
        with devices.scope():
            run = _start(
                settings,
                folder,
                identity,
                devices,
                data=data,
                start=start,
                steps_per_execution=steps_per_execution,
                progress=progress and devices.is_chief,
            )
            run.checkpoint_steps = checkpoint_steps
            run.display.say(_describe(devices, settings, linear_scaling))
            selected = run.run()
        if devices.is_chief:
            with dtype_policy(precision):
                _finish(run, selected)
    if publish is not None and devices.is_chief:
        publishing.publish(folder, publish, data=data)
    return folder


def _suit(
    devices: strategies.Strategy, recipe: Recipe, *, chosen: bool, linear_scaling: bool
) -> tuple[strategies.Strategy, Recipe]:
    """Devices and recipe, each as the other needs it."""
    if recipe.consistency:
        devices = consistency.one_device(recipe, devices, chosen=chosen)
    recipe = scale_learning_rate(recipe, devices.replicas) if linear_scaling else recipe
    if not chosen:
        devices = strategies.fitting(devices, recipe.batch_size)
    devices.check_batch(recipe.batch_size)
    return devices, recipe


def _start_facts(name: str, recipe: Recipe, start: str | os.PathLike[str] | None) -> dict[str, Any] | None:
    """What the given weights are, for the record."""
    if start is not None:
        return hub.start_facts(start)
    if recipe.needs_start:
        raise ValueError(f"{name!r} is trained further from given weights: say which with start=FOLDER or a model.")
    return None


def _start(
    recipe: Recipe,
    folder: Path,
    identity: dict[str, Any],
    devices: strategies.Strategy,
    *,
    data: str | os.PathLike[str] | None,
    start: str | os.PathLike[str] | None,
    steps_per_execution: int,
    progress: bool,
) -> Epochs:
    """Reads the data, builds the model and claims the folder, in this order: a failed start claims nothing."""
    train_set, validation_set = _read(recipe, data, identity["smoke"])
    steps = max(len(train_set[1]) // recipe.batch_size, 1)
    arguments = compile_arguments(recipe, steps_per_epoch=steps, steps_per_execution=steps_per_execution)
    arguments["jit_compile"] &= identity["xla"]
    keras.utils.set_random_seed(identity["seed"])
    with dtype_policy(identity["precision"]):
        model = hub.build(identity["model"], **recipe.overrides)
    if start is not None:
        hub.start_from(model, start)
    if devices.is_chief:
        record.open_run(folder, identity)
    if not identity["smoke"]:
        check_budget(model, recipe, steps_per_epoch=steps)
    trainer = consistency.wrap(model, recipe, steps=steps * recipe.epochs, seed=identity["seed"])
    trainer = devices.trainer(model) if trainer is model else trainer
    compile_trainer(trainer, arguments)
    return Epochs(
        trainer=trainer,
        model=model,
        recipe=recipe,
        train=train_set,
        validation=validation_set,
        folder=folder,
        seed=identity["seed"],
        devices=devices,
        progress=progress,
    )


def resolve_recipe(name: str, recipe: str | None = None, *, epochs: int | None = None) -> Recipe:
    """The recipe of a registered model, its own or another one by its name, with another number of epochs if given.

    Raises:
        ValueError: unknown model, no such recipe, or a number of epochs that is no whole number of at least 1.
    """
    found = hub.find_recipe(name, recipe)
    return found if epochs is None else found.with_epochs(whole("epochs", epochs, least=1))


def _read(recipe: Recipe, data: Any, smoke: bool) -> tuple[Split, ...]:
    count = max(_SMOKE_EXAMPLES, recipe.batch_size) if smoke else None
    splits = (datasets.load(recipe.dataset, split, data=data) for split in ("train", "validation"))
    return tuple(keras.tree.map_structure(lambda array: array[:count], tuple(split)) for split in splits)


def _is_finished(folder: Path, identity: dict[str, Any], devices: strategies.Strategy) -> bool:
    if not devices.is_chief and not (folder / record.RUN).is_file():
        return False  # the chief may be making the folder at this moment
    return record.find_run(folder, identity)["finished"]


def _describe(devices: strategies.Strategy, recipe: Recipe, linear_scaling: bool) -> str:
    text = devices.describe()
    if linear_scaling:
        times = f"{devices.replicas} times the recipe's"
        text += f"; batch {recipe.batch_size} and learning rate {recipe.learning_rate:g} are {times}"
    return text


def _finish(run: Epochs, selected: dict[str, float]) -> None:
    """Writes the result."""
    hub.save(_on_one_device(run), run.folder, assets=_assets(run.model, run.train[0]))
    _, labels, *weights = run.validation
    examples = int(np.count_nonzero(weights[0])) if weights else int(np.size(labels))
    facts = {"accuracy": selected["val_accuracy"], "loss": selected["val_loss"], "epoch": selected["epoch"] + 1}
    record.close_run(run.folder, minutes=run.done.seconds / 60, validation=facts | {"examples": examples})


def _assets(model: keras.Model, inputs: Any) -> dict[str, bytes]:
    """The one graph whose nodes a model was trained on, for `zoo.predict(folder, nodes=...)`."""
    single = takes_graphs(model) and len(inputs["x"]) == 1
    return {ASSET: pack_graph(inputs)} if single else {}


def _on_one_device(run: Epochs) -> keras.Model:
    """The trained model, as one that does not ask for several devices, or for other processes, when it is called."""
    if run.devices.replicas == 1:
        return run.model
    model = hub.build(run.model.name, **run.recipe.overrides)
    for target, source in zip(model.weights, run.model.weights, strict=True):
        target.assign(value_of(source))
    return model
