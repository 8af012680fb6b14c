"""Fine-tuning on data of one's own: a model and a folder become a recipe and data for the trainer."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import datasets
from zoo._counting import counted
from zoo.datasets.protocol import DataSet, is_batches
from zoo.datasets.splitting import SHARE
from zoo.models.recipe import Recipe
from zoo.training import record, strategies
from zoo.training.finetune_report import write_report
from zoo.training.heads import train_head
from zoo.training.loop import carry_out
from zoo.training.networks import Network
from zoo.training.recipes import resolve_recipe
from zoo.training.settings import RunSettings, run_folder
from zoo.training.starting import Given
from zoo.training.watch import Display

_STEPS = 200
"""Steps that the whole network should have where there is little data."""


def finetune(
    model: Any,
    data: Any,
    *,
    out: str | os.PathLike[str],
    recipe: str | os.PathLike[str] | Recipe | Mapping[str, Any] | None = None,
    size: int | tuple[int, int] | None = None,
    share: float = SHARE,
    split_seed: int = 0,
    unreadable: str = "stop",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    settings: RunSettings | Mapping[str, Any] | None = None,
    **options: Any,
) -> Path:
    """Trains a model further on data of one's own: first a new head, then everything.

    The network's frozen body is run once over the pictures, and the head learns from what comes out; then all layers
    learn at a smaller rate, normalization with the statistics that it has. How long both take follows from the number
    of pictures; training stops when the validation loss no longer falls, and the best weights are kept. On a graph
    the network is trained by its own recipe.

    The run folder is one of `zoo.train`, taken by `zoo.load`, `zoo.evaluate`, `zoo.export`, `zoo.serve` and
    `zoo.predict` as it is. Besides, it holds `split.csv` (which file is in which split), `report.json` (the numbers of
    every class), `curves.png`, `confusion.png` and, in `head`, the run of the head. Given again, an interrupted call
    goes on. On TensorFlow without a GPU the steps are not compiled by XLA, which takes longer than it saves here.

    Args:
        model: the name or folder of a model that has weights, a model of zoo's, or a functional or Sequential Keras
            model whose last layer is `Dense`. For a graph the name is enough: its weights are taken if they fit.
        data: a folder of pictures `<class>/<picture>`, or with `train`, `val` and perhaps `test` of this layout; a CSV
            or Parquet table; an `.npz` graph or a NetworkX graph; or what else `zoo.train` takes, with class names.
        out: the run folder.
        recipe: for the whole network, instead of the one that is made for the size of the data: a name, a file or a
            `Recipe`. A dictionary changes single fields of the one that is made.
        size: of the pictures in pixels, where another one than the model's is wanted.
        share: part of each class that is set aside to choose by, where the data has no such part; a fifth by default.
        split_seed: by which that part is drawn.
        unreadable: `"stop"` at pictures that cannot be read, or `"skip"` them.
        callbacks: Keras callbacks for the training of the whole network.
        settings: as for `zoo.train`.
        **options: single fields of `settings`, such as `epochs=5`: those of all layers; the head's are quick and stay.

    Returns:
        The run folder.

    Raises:
        TypeError: an unknown setting, or a model, recipe, data or callback of another kind.
        ValueError: no weights, an empty class, one class, two classes with one name, unreadable pictures, labels that
            do not match, or settings that cannot be; before anything is trained.
        FileNotFoundError: no such folder, or pictures of a table that are not there.

    Example:
        >>> import zoo
        >>> run = zoo.finetune("resnet32_cifar10", "shapes", out="runs/shapes")  # doctest: +SKIP
        >>> zoo.evaluate(run, data="shapes")["accuracy"]  # doctest: +SKIP
        1.0
    """
    how = RunSettings.of(settings, options)
    folder = run_folder(out)
    if how.publish is not None or how.start is not None:
        raise ValueError(
            "Fine-tuning begins with the model's own weights and is not published: leave out start and publish."
        )
    given = Given.of(model, size=size)
    rules: dict[str, Any] = {"share": share, "seed": split_seed, "unreadable": unreadable}
    found = datasets.open_data(data, shape=given.shape, labels=given.labels, **rules)
    if found.classes is None:
        raise ValueError("Fine-tuning needs the names of the classes: pass zoo.datasets.DataSet(..., classes=[...]).")
    changes = dict(recipe) if isinstance(recipe, Mapping) else {}
    wanted = None if recipe is None or changes else resolve_recipe(given.recipes_of, recipe)
    # What is wrong with a field is said before anything is trained.
    resolve_recipe(None, Recipe(epochs=1, batch_size=1).changed(**changes))
    devices = strategies.choose(how.strategy)
    record.check_folder(folder)
    if found.kind == "graphs":
        network = given.for_graph(features=found.train[0]["x"].shape[-1], classes=found.classes)
        wanted, stops = wanted or resolve_recipe(given.recipes_of), []
        network = given.as_recipe_wants(network, wanted)
    else:
        network, made = _for_pictures(given, found, folder, how)
        wanted = wanted or made
        stops = [_early_stopping(how.epochs or wanted.epochs)]
    wanted = wanted.changed(**{"dataset": None, "overrides": {}} | changes)
    wanted = resolve_recipe(None, wanted, epochs=1 if how.smoke else how.epochs)
    display, finished = Display(shown=how.progress and devices.is_chief), record.is_finished(folder)
    if stops and not finished:
        most, patience = wanted.epochs, stops[0].patience
        ends = f"at most {counted(most, 'epoch')}, until {patience} of them lower the validation loss no more"
        display.say(
            f"then all layers, {ends if patience < most else counted(most, 'epoch')}; the weights with the lowest "
            "validation loss are kept"
        )
    carry_out(network, wanted, folder, devices, how, found, [*stops, *callbacks])
    if finished:
        display.say(f"{folder} holds this run already, finished: nothing was trained again")
    if devices.is_chief:
        write_report(folder, found)
    return folder


def _for_pictures(given: Given, data: DataSet, folder: Path, how: RunSettings) -> tuple[Network, Recipe]:
    """A network whose head has learned the classes, and the recipe for all of it."""
    if is_batches(data.train) or is_batches(data.validation):
        raise ValueError("Fine-tuning takes arrays or files, not batches: train on batches with zoo.train.")
    assert data.classes is not None
    keras.utils.set_random_seed(how.seed)
    model, head = given.for_classes(data.classes)
    if head is not None:
        model = train_head(model, head, data, folder, how)
    for layer in model.layers:
        if hasattr(layer, "moving_mean"):
            layer.trainable = False
    network = Network(given.name, given.config_for(model), source=model)
    return network, _whole_recipe(len(data.train[1]), None if head is None else head.name, given.takes_pixels)


def _whole_recipe(count: int, head: str | None, augmented: bool) -> Recipe:
    """How all layers learn, by the number of training examples."""
    batch = max(1, min(16 if count < 1000 else 32, count))
    steps = count // batch
    return Recipe(
        epochs=min(max(round(_STEPS / steps), 5), 20),
        batch_size=batch,
        learning_rate=3e-4,
        learning_rate_multipliers={} if head is None else {f"{head}/": 3.0},
        warmup=0.1,
        weight_decay=1e-4,
        augmentation=("pad_crop",) if augmented else (),
    )


def _early_stopping(epochs: int) -> keras.callbacks.Callback:
    patience = max(3, epochs // 4)
    return keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)
