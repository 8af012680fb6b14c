"""The training loop: a network, a recipe, data and a seed in, a folder with trained weights out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import _copying, hub
from zoo.datasets.protocol import is_batches
from zoo.evaluation import ASSET, pack_graph, takes_graphs
from zoo.hub.settings import dtype_policy
from zoo.models.recipe import Recipe
from zoo.training import consistency, publishing, record, strategies
from zoo.training.budget import check_budget
from zoo.training.compiling import compile_arguments, compile_trainer, scale_learning_rate
from zoo.training.epochs import RunTrainer
from zoo.training.feeding import Feed, count_examples
from zoo.training.networks import Network, find_network
from zoo.training.optimizers import value_of
from zoo.training.planning import Plan, make_plan
from zoo.training.recipes import recipe_name, resolve_recipe
from zoo.training.run_card import run_card
from zoo.training.settings import RunSettings, run_folder


def train(
    model: Any,
    *,
    out: str | os.PathLike[str],
    recipe: str | os.PathLike[str] | Recipe | Mapping[str, Any] | None = None,
    data: Any = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    settings: RunSettings | Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Trains a model by a recipe.

    The run folder gets `run.json` (model, seed, resolved recipe, versions, state of the code, and at the end accuracy
    and time), `history.csv`, TensorBoard events, checkpoints, and at last the weights in the form that `zoo.load`
    reads. A run that was interrupted, in whatever way, goes on from its last checkpoint when it is started again with
    the same arguments; one that is complete is returned as it is. The step is compiled by XLA on TensorFlow and JAX.
    On CPUs TensorFlow trains networks of ordinary convolutions faster without it.

    Args:
        model: a registered name; a family's configuration; or a functional or Sequential Keras model, one of zoo's or
            any other. A model is left as it is: the run trains a copy, from the weights that the model has, and a
            softmax at its end is left out, since all models here give logits.
        out: the run folder.
        recipe: None for the registered model's own; the name of another one of its, as `"faithful"`, or of a model
            whose recipe is wanted; a `.yaml` or `.json` file; a `Recipe`, or its fields in a dictionary.
        data: None for the recipe's data set; the folder that holds it (by default `ZOO_DATA`); the name of another data
            set; a folder or table of pictures; an `.npz` graph; arrays `(inputs, labels)` or `((inputs, labels),
            (inputs, labels))` to train and to validate; or an object as `zoo.datasets.Data` says. A registered name is
            built for the classes of data of one's own.
        callbacks: Keras callbacks. How their state survives an interruption stands in the guide on training.
        settings: how the run is carried out: seed, precision, strategy and so on; a `RunSettings`, or a dictionary.
        **options: single fields of `settings`, such as `seed=1` or `epochs=5`.

    Returns:
        The run folder, for `zoo.load(folder)` and `zoo.publish`.

    Raises:
        TypeError: `out` is no path, an unknown setting, or a model, recipe, data or callback of another kind.
        ValueError: unknown model, no recipe, a field, setting or strategy that cannot be, data that does not fit the
            model, a layer that XLA cannot compile, a folder that holds something else, weights to begin with that do
            not fit, or none where the recipe needs them.
        FileExistsError: the tag to publish exists.
        FileNotFoundError: the data set is not there.
        OSError: the folder cannot be written, or the disk is full.
        ConnectionError: another process of the run is gone.
        FloatingPointError: the loss became NaN or infinite; the last checkpoint is kept.

    Example:
        >>> import tempfile, zoo
        >>> with tempfile.TemporaryDirectory() as folder:  # doctest: +SKIP
        ...     run = zoo.train("e4net_mnistrot", out=folder, smoke=True)
        ...     model = zoo.load(run)
    """
    how = RunSettings.of(settings, options)
    folder = run_folder(out)
    devices = strategies.choose(how.strategy)  # before anything runs on the backend: it connects the processes
    network = find_network(model, precision=how.precision)
    wanted = resolve_recipe(network.recipes_of, recipe, epochs=1 if how.smoke else how.epochs)
    named = recipe_name(recipe)
    return carry_out(
        network, wanted, folder, devices, how, data, callbacks, named, recipe is not None and named is None
    )


def carry_out(
    network: Network,
    recipe: Recipe,
    folder: Path,
    devices: strategies.Strategy,
    how: RunSettings,
    data: Any,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    named: str | None = None,
    own_recipe: bool = True,
) -> Path:
    """Trains a network by a resolved recipe; for the rest see `train`."""
    devices, recipe = _suit(devices, recipe, chosen=how.strategy != "auto", linear_scaling=how.linear_scaling)
    plan = make_plan(network, recipe, data, callbacks, how, recipe_name=named, own_recipe=own_recipe)
    if not _is_finished(folder, plan.identity(devices), devices):
        with devices.scope():
            run = _start(plan, folder, devices)
            run.display.say(_describe(devices, recipe, how.linear_scaling))
            with devices.joined():
                selected = run.run()
        if devices.is_chief:
            with dtype_policy(how.precision):
                _finish(run, plan, selected)
    if how.publish is not None and devices.is_chief:
        publishing.publish(folder, how.publish, data=plan.root)
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


def _start(plan: Plan, folder: Path, devices: strategies.Strategy) -> RunTrainer:
    """Reads the data, builds the model and claims the folder, in this order: a failed start claims nothing."""
    recipe, how = plan.recipe, plan.settings
    data = plan.read()
    classes = plan.network.config.num_classes
    feed = Feed(data.train, recipe, seed=how.seed, classes=classes, limit=plan.limit)
    arguments = compile_arguments(recipe, steps_per_epoch=feed.steps, steps_per_execution=how.steps_per_execution)
    arguments["jit_compile"] &= how.xla
    keras.utils.set_random_seed(how.seed)
    model = plan.network.build(how.precision)
    if how.start is not None:
        hub.start_from(model, how.start)
    if devices.is_chief:
        record.open_run(folder, plan.identity(devices), listing=data.listing)
    if not how.smoke:
        check_budget(model, recipe, steps_per_epoch=feed.steps)
    trainer = consistency.wrap(model, recipe, steps=feed.steps * recipe.epochs, seed=how.seed)
    trainer = devices.trainer(model) if trainer is model else trainer
    compile_trainer(trainer, arguments)
    return RunTrainer(
        trainer=trainer,
        model=model,
        recipe=recipe,
        train=feed,
        validation=data.validation,
        folder=folder,
        seed=how.seed,
        devices=devices,
        checkpoint_steps=how.checkpoint_steps,
        callbacks=plan.callbacks,
        progress=how.progress and devices.is_chief,
    )


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


def _finish(run: RunTrainer, plan: Plan, selected: dict[str, float]) -> None:
    """Writes the result."""
    facts: dict[str, float | None] = {
        "accuracy": selected.get("val_accuracy"),
        "loss": selected.get("val_loss"),
        "epoch": selected["epoch"] + 1,
        "examples": 0 if run.validation is None else count_examples(run.validation),
    }
    minutes = run.done.seconds / 60
    card = run_card(plan, record.finished(run.folder, minutes=minutes, validation=facts))
    card |= {} if plan.classes is None else {"labels": list(plan.classes)}
    hub.save(_on_one_device(run, plan), run.folder, card=card, assets=_assets(run.model, plan.read().train))
    record.close_run(run.folder, minutes=minutes, validation=facts)


def _assets(model: keras.Model, split: Any) -> dict[str, bytes]:
    """The one graph whose nodes a model was trained on, for `zoo.predict(folder, nodes=...)`."""
    single = takes_graphs(model) and not is_batches(split) and len(split[0]["x"]) == 1
    return {ASSET: pack_graph(split[0])} if single else {}


def _on_one_device(run: RunTrainer, plan: Plan) -> keras.Model:
    """The trained model, as one that does not ask for several devices, or for other processes, when it is called."""
    if run.devices.replicas == 1:
        return run.model
    return _copying.take_weights(plan.network.build(plan.settings.precision), map(value_of, run.model.weights))
