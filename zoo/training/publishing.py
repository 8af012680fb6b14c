"""From finished runs to published weights with a card."""

from __future__ import annotations

import dataclasses
import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import _copying, _keras, datasets, hub
from zoo._suggestions import suggests
from zoo.evaluation import ASSET, CONVENTION, count_macs, equivariance_error, evaluate, pack_graph, takes_graphs
from zoo.hub import paths
from zoo.models.preset import Preset
from zoo.models.recipe import Recipe
from zoo.training import record
from zoo.training.compiling import scale_learning_rate
from zoo.training.run_card import selected_by
from zoo.training.settings import check_tag_word

_GOLDEN_IMAGES = 4
_LICENSE = "Apache-2.0"
_RESEARCH = "research use only, as the images that the weights were trained on; the code is under Apache-2.0"


@suggests
def publish(
    runs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    tag: str,
    *,
    half: bool = False,
    data: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Path:
    """Makes `weights/<model>/<tag>` out of finished runs of one recipe.

    The run with the highest validation accuracy is shipped, or the first one where nothing was validated. Every run is
    measured once on the test split; the card has the shipped run's error and the mean and deviation over the seeds.

    Args:
        runs: a run folder of `zoo.train`, or several that differ in their seed alone.
        tag: the new tag, as `"v1"`; a tag that exists is never changed.
        half: round matrices and kernels to float16 numbers before they are measured: half the bytes to store. The
            weights are float32 again when they are loaded.
        data: folder of the data sets; None takes the environment variable `ZOO_DATA`.
        root: folder of the weights; None takes the checkout's.

    Returns:
        The new folder.

    Raises:
        ValueError: no finished runs, smoke runs, runs of different models or recipes, or of a recipe that is not the
            registered one any more; `half` and weights beyond the range of float16.
        FileExistsError: the tag exists.

    Example:
        >>> import zoo
        >>> zoo.publish(["runs/seed0", "runs/seed1"], "v2")  # doctest: +SKIP
    """
    folders = [Path(runs)] if isinstance(runs, (str, os.PathLike)) else [Path(run) for run in runs]
    facts = _check([record.read_run(folder) for folder in folders])
    best = max(range(len(facts)), key=lambda index: facts[index]["validation"]["accuracy"] or 0.0)
    name, recipe = facts[best]["model"], Recipe.from_dict(facts[best]["recipe"])
    dataset = str(recipe.dataset)
    check_tag(name, tag, root=root)
    training = _training(facts[best], recipe, len(facts), half)
    results: list[dict[str, Any]] = []
    for index, folder in enumerate(folders):
        trained = hub.round_to_half(hub.load(folder)) if half else hub.load(folder)
        results.append(evaluate(trained, dataset=dataset, data=data))
        if index == best:
            model = _as_registered(name, trained)
    inputs = datasets.load(dataset, "validation", data=data)[0]
    source = datasets.find_dataset(dataset)
    shown = isinstance(inputs, np.ndarray) and source.shareable
    golden = inputs[:_GOLDEN_IMAGES] if shown else hub.example_inputs(model)
    card = {
        "dataset": {"name": dataset, "split": recipe.split, **source.facts},
        "metrics": _metrics(f"{name}.{tag}", hub.find_preset(name), results, best, [run["seed"] for run in facts]),
        "recipe": record.recipe_facts(recipe),
        "training": training,
        "symmetry": _symmetry(model, golden),
        "license": _RESEARCH if source.research else _LICENSE,
        "architecture": _arithmetic(model),
    }
    history = (folders[best] / record.HISTORY).read_text("utf-8")
    assets = {ASSET: pack_graph(inputs)} if takes_graphs(model) else None
    start = facts[best].get("start") or {}
    base = f"{start['name']}.{start['tag']}" if start.get("tag") else None
    return hub.publish(model, tag, card=card, inputs=golden, history=history, assets=assets, base=base, root=root)


def check_tag(name: str, tag: str, *, smoke: bool = False, root: str | os.PathLike[str] | None = None) -> None:
    """Finds out before the training whether its result could be published.

    Args:
        name: a registered model.
        tag: the new tag.
        smoke: whether it is a smoke run, which is never published.
        root: folder of the weights; None takes the checkout's.

    Raises:
        ValueError: a smoke run, or a word that is no tag.
        FileExistsError: the tag exists.

    Example:
        >>> check_tag("e4net_mnistrot", "v999")
    """
    check_tag_word(tag, smoke=smoke)
    folder = Path(root or paths.weights_root()) / name / tag
    if folder.exists():
        raise FileExistsError(f"{folder} exists, and published weights never change. Choose another tag.")


def _check(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Raises ValueError unless the runs are full runs of one recipe with different seeds."""
    if not facts:
        raise ValueError("Expected at least one run folder; got none.")
    for key in ("model", "recipe", "smoke", "precision", "xla"):
        if any(run.get(key) != facts[0].get(key) for run in facts):
            raise ValueError(f"Expected runs that differ in their seed alone; they differ in {key!r} too.")
    if any(run.get("data") or run.get("config") for run in facts):
        raise ValueError(
            "Only runs of registered models on their own data sets are published; keep others by zoo.save."
        )
    if facts[0]["smoke"]:
        raise ValueError("Expected full runs; smoke runs show that training works and are no weights to publish.")
    seeds = [run["seed"] for run in facts]
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"Expected runs of different seeds; got the seeds {seeds}.")
    return facts


def _as_registered(name: str, trained: keras.Model) -> keras.Model:
    """The registered model with trained weights: without what the recipe overrides, such as the dropout rate."""
    with _keras.undrawn():
        return _copying.take_weights(hub.build(name), trained.weights)


def _metrics(
    name: str, preset: Preset, results: list[dict[str, Any]], best: int, seeds: list[int]
) -> list[dict[str, Any]]:
    """The error, first, and what else the preset measures; all printed by the same command."""
    columns = {"error": [result["error_percent"] for result in results]}
    for other in results[best].get("measures", {}):
        columns[other] = [result["measures"][other] for result in results]
    return [
        {
            "name": column,
            "split": "test",
            "value": values[best],
            "unit": "%",
            "seeds": seeds,
            "values": values,
            "mean": statistics.fmean(values),
            "std": statistics.stdev(values) if len(values) > 1 else None,
            "paper_value": preset.reported_error if column == "error" else None,
            "paper_note": preset.reported_note if column == "error" else None,
            "command": f"zoo evaluate {name}",
        }
        for column, values in columns.items()
    ]


def _training(run: Mapping[str, Any], recipe: Recipe, count: int, half: bool) -> dict[str, Any]:
    selection = selected_by(recipe, run["validation"].get("epoch", recipe.epochs))
    if recipe.ema is not None:
        selection += f"; moving average of the weights with momentum {recipe.ema:g}"
    if count > 1:
        first = run["validation"]["accuracy"] is None
        selection += f"; of {count} seeds the {'first' if first else 'one with the highest validation accuracy'}"
    if half:
        selection += "; kernels rounded to float16 before the test"
    facts = {key: run[key] for key in ("seed", "minutes", "hardware", "versions", "date", "commit", "backend")}
    return facts | {
        "selection": selection,
        "validation": run["validation"],
        "start": run.get("start"),
        "command": _command(run, recipe),
    }


def _command(run: Mapping[str, Any], recipe: Recipe) -> str:
    """What makes the run again.

    Raises:
        ValueError: the registered recipe is another one by now.
    """
    named = run.get("recipe_name")
    registered = hub.find_recipe(run["model"], named)
    words = ["zoo", "train", run["model"], "--seed", str(run["seed"])]
    words += ["--recipe", named] if named else []
    if recipe.epochs != registered.epochs:
        words += ["--epochs", str(recipe.epochs)]
        registered = registered.with_epochs(recipe.epochs)
    if recipe != registered and recipe == scale_learning_rate(registered, run.get("replicas", 1)):
        words.append("--linear-scaling")
    elif recipe != registered:
        pairs = (
            (field.name, getattr(recipe, field.name), getattr(registered, field.name))
            for field in dataclasses.fields(Recipe)
        )
        changes = ", ".join(f"{name} {old} (now {new})" for name, old, new in pairs if old != new)
        raise ValueError(f"The recipe of {run['model']!r} has changed since this run: {changes}. Train it again.")
    if run.get("start"):
        start = run["start"]  # a folder's path says nothing elsewhere; its hashes are in the card
        words += ["--start", f"{start['name']}.{start['tag']}" if start["tag"] else "FOLDER"]
    words += [f"--strategy {run['strategy']}"] if run.get("strategy", "single") != "single" else []
    words += [] if run.get("xla", True) else ["--no-xla"]
    words += [f"--precision {run['precision']}"] if run.get("precision", "float32") != "float32" else []
    return " ".join(words)


def _arithmetic(model: keras.Model) -> dict[str, Any]:
    """Multiply-accumulates, where they do not depend on the size of the input."""
    try:
        return {"macs": count_macs(model), "flops_convention": CONVENTION}
    except ValueError:
        return {}


def _symmetry(model: keras.Model, inputs: Any) -> dict[str, Any] | None:
    """Group and error of an equivariant network; None for any other."""
    group = getattr(hub.origin_of(model).config, "group", None)
    if group is None or not isinstance(inputs, np.ndarray):
        return None
    errors = equivariance_error(model, inputs.astype("float32"), group)
    return {"group": group, "property": "logits are invariant", "max_relative_error": float(errors.max())}
