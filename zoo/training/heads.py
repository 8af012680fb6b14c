"""The head of a network, trained on what its frozen body makes of the pictures."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo._counting import counted
from zoo.datasets.protocol import DataSet, data_facts
from zoo.evaluation.inputs import image_batch
from zoo.evaluation.prediction import logits_of
from zoo.hub import paths, store
from zoo.models.recipe import Recipe
from zoo.training import record, strategies
from zoo.training.loop import carry_out
from zoo.training.networks import find_network
from zoo.training.optimizers import value_of
from zoo.training.settings import RunSettings
from zoo.training.watch import Display

FOLDER = paths.FIRST_PART
FEATURES = "features.npz"
_STEPS = 200
"""Steps that the head should have where there is little data."""


def train_head(
    model: keras.Model, head: keras.layers.Dense, data: DataSet, folder: Path, how: RunSettings
) -> keras.Model:
    """Trains the last layer alone, by a run of its own in the run folder.

    Args:
        model: whose body is run once over the pictures.
        head: its last layer.
        data: arrays.
        folder: of the run; the head's run goes into its folder `head`.
        how: settings of the whole.

    Returns:
        The model, its head trained.

    Raises:
        ValueError: the folder holds another run, or pictures that the model does not take.
    """
    record.check_folder(folder)
    display = Display(shown=how.progress and not record.is_finished(folder / FOLDER))
    display.say("first the new head alone: what the network gives for each picture is computed once")
    features = _features(model, head, data, folder / FOLDER / FEATURES)
    alone = keras.Sequential([keras.Input(features.train[0].shape[1:]), type(head).from_config(head.get_config())])
    alone.layers[-1].set_weights(head.get_weights())
    count = len(features.train[1])
    batch = min(16, count)
    epochs = 1 if how.smoke else min(max(round(_STEPS / (count // batch)), 5), 30)
    whose = (
        "" if how.epochs is None or how.smoke else f" (quick ones; the {how.epochs} asked for are those of all layers)"
    )
    display.say(f"the head's {counted(epochs, 'epoch')}{whose}:")
    recipe = Recipe(epochs=epochs, batch_size=batch, learning_rate=0.01, warmup=0.1)
    settings = dataclasses.replace(how, epochs=None, checkpoint_steps=None, strategy="single", precision="float32")
    run = carry_out(find_network(alone), recipe, folder / FOLDER, strategies.Strategy(), settings, features)
    head.set_weights([value_of(weight) for weight in hub.load(run, compile=False).weights])
    return model


def _features(model: keras.Model, head: keras.layers.Dense, data: DataSet, path: Path) -> DataSet:
    """What the body gives for the pictures, kept in a file: a run that goes on sees the very same numbers."""
    digest = hashlib.sha256(data_facts(data)["sha256"].encode())
    own = {id(weight) for weight in head.weights}
    for weight in model.weights:
        if id(weight) not in own:
            digest.update(np.ascontiguousarray(value_of(weight)).tobytes())
    if not path.is_file():
        body = keras.Model(model.input, head.input, name=f"{model.name}_body")
        if keras.backend.backend() == "tensorflow":
            body.jit_compile = False  # XLA takes longer to compile than one pass over the pictures
        size = min(32, len(data.train[1]))  # one for both parts: the pass is written down once
        arrays = {part: _run(body, getattr(data, part)[0], size) for part in ("train", "validation")}
        store.write_files(path.parent, {path.name: store.arrays_to_bytes(**arrays, made=np.array(digest.hexdigest()))})
    kept = store.arrays_from_bytes(path.read_bytes(), source=path)
    if str(kept["made"]) != digest.hexdigest():
        raise ValueError(f"{path.parent.parent} holds another run: other data or another model. Choose another folder.")
    parts: dict[str, Any] = {part: (kept[part], *getattr(data, part)[1:]) for part in ("train", "validation")}
    return dataclasses.replace(data, kind="arrays", listing=(), test=None, **parts)


def _run(body: keras.Model, inputs: np.ndarray, size: int) -> np.ndarray:
    if len(body.input_shape) == 4:
        inputs = image_batch(inputs, body.input_shape[1:])
    return logits_of(body, inputs, size, full=True)
