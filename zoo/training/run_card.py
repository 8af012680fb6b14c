"""What the card of a run says: what was trained, on which data, and how good it was on the part that chose it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras

from zoo import datasets, hub
from zoo._counting import counted
from zoo.datasets.protocol import DataSet, is_batches
from zoo.hub.facts import validation_accuracy
from zoo.hub.learned import called
from zoo.hub.origin import with_weights
from zoo.models.recipe import Recipe
from zoo.training import record

if TYPE_CHECKING:
    from zoo.training.planning import Plan

_THINGS = {"images": "picture", "graphs": "node", "arrays": "example"}


def run_card(plan: Plan, run: Mapping[str, Any]) -> dict[str, Any]:
    """The facts for the card of a trained network.

    Args:
        plan: of the run.
        run: its record, with `minutes` and `validation`.

    Returns:
        Parts of a card: those that the base of a network that was trained further has of itself are replaced.
    """
    found = run["validation"]
    training = {key: run[key] for key in ("seed", "minutes", "hardware", "versions", "date", "commit", "backend")}
    training |= {"selection": selected_by(plan.recipe, found["epoch"], plan.callbacks), "validation": found}
    facts: dict[str, Any] = {"recipe": record.recipe_facts(plan.recipe), "training": training}
    if plan.own is None:
        source = datasets.find_dataset(str(plan.recipe.dataset))
        facts["dataset"] = {"name": source.name, "split": plan.recipe.split, **source.facts}
        where = ""
    else:
        facts |= _of_own_data(plan, plan.own)
        where = f" --data {plan.own.name}" if plan.own.name else ""
    if found["accuracy"] is not None:
        chose = ", which also chose the weights" if "validation" in training["selection"] else ""
        # Of batches of a stream nobody counts the examples.
        many = "" if found["examples"] is None else f"{counted(found['examples'], 'example')} of "
        note = f"{many}the run's own split{chose}"
        command = f"zoo evaluate RUN{where} --split validation"
        facts["metrics"] = [validation_accuracy(found["accuracy"], note=note, command=command, seeds=(run["seed"],))]
    return facts


def selected_by(recipe: Recipe, epoch: int, callbacks: Sequence[keras.callbacks.Callback] = ()) -> str:
    """Which weights a run has kept, in words.

    Args:
        recipe: of the run.
        epoch: whose weights they are, counted from 1.
        callbacks: that may have put the weights of another epoch in place.
    """
    most = "at most " if callbacks else ""  # they may have ended it before
    kept = f"of {most}{counted(recipe.epochs, 'epoch')} the one with"
    if recipe.selection == "best":
        return f"{kept} the highest validation accuracy (epoch {epoch})"
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.EarlyStopping) and callback.restore_best_weights:
            return f"{kept} the best {callback.monitor.replace('val_', 'validation ')} (epoch {epoch})"
    return "weights after the last epoch"


def _of_own_data(plan: Plan, data: DataSet) -> dict[str, Any]:
    thing = _THINGS[data.kind]
    sizes = {name: _size(getattr(data, name), data.kind) for name in ("train", "validation", "test")}
    known = sum(size or 0 for size in sizes.values())
    classes = counted(len(data.classes) if data.classes else plan.network.config.num_classes, "class")
    about = f"{classes}, {counted(known, thing)}" if sizes["train"] else classes
    place = data.name or "data of one's own"
    base = _base(plan)
    what = f"fine-tuned from {base} on" if base else f"{plan.network.name} trained on"
    parts = [f"{counted(size, thing)} of the split {name}" for name, size in sizes.items() if size]
    own = {"name": called(data.name), "license": "not stated", "note": f"{classes}; {', '.join(parts) or 'batches'}."}
    # A folder of one's own may be called like a registered set; then it has a list of its files.
    registered = data.name in datasets.list_datasets() and not data.listing
    source = datasets.find_dataset(str(data.name)) if registered else None
    facts = own if source is None else {"name": source.name, **source.facts}
    return {"summary": f"{what} {place}: {about}", "dataset": {"split": plan.recipe.split, **facts}}


def _size(split: Any, kind: str) -> int | None:
    """How many examples a split has; None for batches, which do not say it."""
    if split is None or is_batches(split):
        return None
    inputs, labels, *weights = split
    if kind == "graphs":
        return int((weights[0] > 0).sum()) if weights else int(labels.size)
    return len(labels)


def _base(plan: Plan) -> str | None:
    """Name, and tag or folder, of the weights that the training began with; None where they were drawn at random."""
    if plan.start is not None:
        return with_weights(plan.start["name"], plan.start["tag"] or "weights of one's own")
    origin = None if plan.network.source is None else hub.find_origin(plan.network.source)
    return None if origin is None else with_weights(origin.config.name, origin.weights)
