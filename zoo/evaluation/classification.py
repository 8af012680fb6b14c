"""A classifier's numbers on a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo import datasets, hub
from zoo.evaluation.graphs import graph_inputs, graph_logits, takes_graphs
from zoo.evaluation.inputs import image_batch, model_shape
from zoo.evaluation.measures import measure
from zoo.evaluation.prediction import logits_of, resolve_model


def evaluate(
    name_or_model: str | os.PathLike[str] | keras.Model,
    *,
    dataset: str | None = None,
    split: str = "test",
    data: str | os.PathLike[str] | None = None,
    batch_size: int = 256,
    measures: Sequence[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures a classifier on a split of a data set.

    Args:
        name_or_model: a model, or a name as `zoo.load` takes it.
        dataset: a name of `zoo.datasets`; by default the one the model is registered for.
        split: a split of that data set.
        data: the folder with the data sets; by default the environment variable `ZOO_DATA`.
        batch_size: images a step.
        measures: names of `zoo.evaluation.MEASURES` to take besides; by default those of the registered model.
        progress: show a progress bar on the standard error stream when that is a terminal.

    Returns:
        `model`, `dataset`, `split`, `images` or `nodes` (how many), `correct` (how many), `accuracy` (0..1),
        `error_percent` (100 - 100 accuracy) and `loss` (mean cross-entropy in nats). Of a graph's nodes, only those of
        the split count. Where there are `measures`, also these: numbers in percent by name.

    Raises:
        ValueError: unknown model, data set, split or measure, a model whose data set is unknown, or images and classes
            that do not fit the model.
        FileNotFoundError: the data is not there.

    Example:
        >>> import zoo
        >>> zoo.evaluate("e4net_mnistrot", data="data")["error_percent"]  # doctest: +SKIP
        1.2
    """
    model = resolve_model(name_or_model)
    if len(model.output_shape) == 4:
        raise ValueError(
            f"{model.name!r} classifies pixels, and zoo has no data set of label maps: compare its predictions on your "
            "own by zoo.evaluation.segmentation_scores."
        )
    dataset = dataset or _registered_dataset(model)
    inputs, labels, *weights = datasets.load(dataset, split, data=data)
    if takes_graphs(model):
        what, (logits, labels) = "nodes", _nodes(model, graph_inputs(inputs, model), labels, *weights)
    else:
        what, images = "images", image_batch(inputs, model_shape(model))
        with _bar(progress) as bar:
            task = bar.add_task(f"{dataset} {split}", total=len(images))
            logits = logits_of(model, images, batch_size, advance=lambda done: bar.advance(task, done))
    correct, loss = _score(logits, labels)
    others = _measures(model) if measures is None else tuple(measures)
    if others and what != "images":
        raise ValueError(f"Measures are of images, and {model.name!r} takes graphs: leave out {', '.join(others)}.")
    label = name_or_model if isinstance(name_or_model, (str, os.PathLike)) else model.name
    return {
        "model": str(label),
        "dataset": dataset,
        "split": split,
        what: len(labels),
        "correct": correct,
        "accuracy": correct / len(labels),
        "error_percent": 100.0 * (len(labels) - correct) / len(labels),
        "loss": loss,
    } | ({"measures": measure(others, model, images, labels, logits)} if others else {})


def _nodes(
    model: keras.Model, inputs: dict[str, np.ndarray], labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of the nodes that the weights choose; all without weights."""
    chosen = np.ones(np.shape(labels), bool) if weights is None else np.asarray(weights) > 0
    return graph_logits(model, inputs)[chosen], np.asarray(labels)[chosen]


def _registered_dataset(model: keras.Model) -> str:
    origin = getattr(model, "zoo_origin", None)
    preset = getattr(origin, "preset", None)
    if preset is None:
        raise ValueError(f"Which data set? {model.name!r} is no registered model: say dataset=<name of zoo.datasets>.")
    return hub.find_preset(preset).dataset


def _measures(model: keras.Model) -> tuple[str, ...]:
    preset = getattr(getattr(model, "zoo_origin", None), "preset", None)
    return () if preset is None else hub.find_preset(preset).measures


def _score(logits: np.ndarray, labels: np.ndarray) -> tuple[int, float]:
    """The number of right answers and the mean cross-entropy."""
    if logits.ndim != 2 or logits.shape[1] <= labels.max():
        raise ValueError(
            f"Expected logits of shape (N, classes) with at least {labels.max() + 1} classes for this data set; got "
            f"{logits.shape}."
        )
    if not np.isfinite(logits).all():
        raise ValueError("The model's logits hold NaN or infinite values: check its weights.")
    values = logits.astype(np.float64)
    values -= values.max(axis=1, keepdims=True)
    log_sums = np.log(np.exp(values).sum(axis=1))
    losses = log_sums - values[np.arange(len(labels)), labels]
    return int((logits.argmax(axis=1) == labels).sum()), float(losses.mean())


def _bar(progress: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not (progress and console.is_terminal))
