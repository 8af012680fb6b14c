"""From finished runs to published weights with a card."""

from __future__ import annotations

import os
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras

from zoo import datasets, hub
from zoo.evaluation import (
    ASSET,
    CONVENTION,
    count_macs,
    equivariance_error,
    evaluate,
    pack_graph,
    takes_graphs,
)
from zoo.training import record

_GOLDEN_IMAGES = 4
_LICENSE = "Apache-2.0"


def publish(
    runs: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    tag: str,
    *,
    data: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] | None = None,
) -> Path:
    """Makes `weights/<model>/<tag>` out of finished runs of one recipe.

    The run with the highest validation accuracy is shipped. Every run is measured once on the test split; the card
    has the shipped run's error and the mean and deviation over the seeds.

    Args:
        runs: a run folder of `zoo.train`, or several that differ in their seed alone.
        tag: the new tag, as `"v1"`; a tag that exists is never changed.
        data: folder of the data sets; None takes the environment variable `ZOO_DATA`.
        root: folder of the weights; None takes the checkout's.

    Returns:
        The new folder.

    Raises:
        ValueError: no finished runs, smoke runs, or runs of different models or recipes.
        FileExistsError: the tag exists.

    Example:
        >>> import zoo
        >>> zoo.publish(["runs/seed0", "runs/seed1"], "v2")  # doctest: +SKIP
    """
    folders = [Path(runs)] if isinstance(runs, (str, os.PathLike)) else [Path(run) for run in runs]
    facts = _check([record.read_run(folder) for folder in folders])
    best = max(range(len(facts)), key=lambda index: facts[index]["validation"]["accuracy"])
    name, dataset = facts[best]["model"], facts[best]["recipe"]["dataset"]
    errors = [evaluate(hub.load(folder), dataset=dataset, data=data)["error_percent"] for folder in folders]
    model = hub.build(name)
    for target, source in zip(model.weights, hub.load(folders[best]).weights, strict=True):
        target.assign(source)
    graph = takes_graphs(model)
    inputs = datasets.load(dataset, "validation", data=data)[0]
    examples = hub.example_inputs(model) if graph else inputs[:_GOLDEN_IMAGES]
    card = {
        "dataset": {"name": dataset, "split": "train", **datasets.FACTS[dataset]},
        "metrics": [_metric(name, tag, errors, best, [run["seed"] for run in facts])],
        "recipe": facts[best]["recipe"],
        "training": _training(facts[best], len(facts)),
        "symmetry": _symmetry(model, examples),
        "license": _LICENSE,
        # The arithmetic of a graph network depends on the graph.
        "architecture": {} if graph else {"macs": count_macs(model), "flops_convention": CONVENTION},
    }
    history = (folders[best] / record.HISTORY).read_text()
    assets = {ASSET: pack_graph(inputs)} if graph else None
    return hub.publish(model, tag, card=card, inputs=examples, history=history, assets=assets, root=root)


def _check(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Raises ValueError unless the runs are full runs of one recipe with different seeds."""
    if not facts:
        raise ValueError("Expected at least one run folder; got none.")
    for key in ("model", "recipe", "smoke"):
        if any(run[key] != facts[0][key] for run in facts):
            raise ValueError(f"Expected runs that differ in their seed alone; they differ in {key!r} too.")
    if facts[0]["smoke"]:
        raise ValueError("Expected full runs; smoke runs show that training works and are no weights to publish.")
    seeds = [run["seed"] for run in facts]
    if len(set(seeds)) != len(seeds):
        raise ValueError(f"Expected runs of different seeds; got the seeds {seeds}.")
    return facts


def _metric(name: str, tag: str, errors: list[float], best: int, seeds: list[int]) -> dict[str, Any]:
    preset = hub.find_preset(name)
    return {
        "name": "error",
        "split": "test",
        "value": errors[best],
        "unit": "%",
        "seeds": seeds,
        "values": errors,
        "mean": statistics.fmean(errors),
        "std": statistics.stdev(errors) if len(errors) > 1 else None,
        "paper_value": preset.reported_error,
        "paper_note": preset.reported_note,
        "command": f"zoo evaluate {name}.{tag}",
    }


def _training(run: Mapping[str, Any], count: int) -> dict[str, Any]:
    selection = "weights after the last epoch"
    if count > 1:
        selection += f"; of {count} seeds the one with the highest validation accuracy"
    facts = {key: run[key] for key in ("seed", "minutes", "hardware", "versions", "date", "commit", "backend")}
    return facts | {
        "selection": selection,
        "validation": run["validation"],
        "command": f"zoo train {run['model']} --seed {run['seed']} --epochs {run['recipe']['epochs']}",
    }


def _symmetry(model: keras.Model, images: Any) -> dict[str, Any] | None:
    """Group and error of an equivariant network; None for any other."""
    group = getattr(hub.origin_of(model).config, "group", None)
    if group is None:
        return None
    errors = equivariance_error(model, images.astype("float32"), group)
    return {"group": group, "property": "logits are invariant", "max_relative_error": float(errors.max())}
