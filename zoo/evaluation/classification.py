"""A classifier's numbers on a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo import hub
from zoo._suggestions import suggests
from zoo.evaluation.graphs import graph_inputs, graph_logits, takes_graphs
from zoo.evaluation.inputs import image_batch, model_shape
from zoo.evaluation.measures import measure
from zoo.evaluation.own_data import read_part
from zoo.evaluation.prediction import logits_of, resolve_model
from zoo.hub import tasks
from zoo.hub.learned import called
from zoo.hub.targets import check_labels


@suggests
def evaluate(
    name_or_model: str | os.PathLike[str] | keras.Model,
    *,
    dataset: str | None = None,
    split: str | None = None,
    data: Any = None,
    batch_size: int = 256,
    measures: Sequence[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measures a classifier on a split of a data set.

    Args:
        name_or_model: a model, or a name as `zoo.load` takes it.
        dataset: a name of `zoo.datasets`; by default the one the model is registered for.
        split: a split of that data set; None for `"test"`. Of data of one's own that has none, all of it is measured,
            but of the folder that the model was trained on only the part that it was chosen by.
        data: the folder with the data sets, by default the environment variable `ZOO_DATA`; or data of one's own: a
            folder or table of pictures, an `.npz` graph, arrays `(inputs, labels)`, or a data object.
        batch_size: images a step.
        measures: names of `zoo.evaluation.MEASURES` to take besides; by default those of the registered model.
        progress: show a progress bar on the standard error stream when that is a terminal.

    Where several labels may be true at once, each yes or no counts.

    Returns:
        `model`, `dataset`, `split`, `images`, `nodes` or `examples` (how many), `correct` (how many), `accuracy`
        (0..1), `error_percent` (100 - 100 accuracy), `loss` (mean cross-entropy in nats) and `chose_weights`: whether
        the model's card says that this split chose its weights, so that new examples are answered a little worse. Of a
        graph's nodes, only those of the split count. Where there are `measures`, also these: numbers in percent by
        name.

    Raises:
        ValueError: unknown model, data set, split or measure, a model whose data set is unknown, or images and classes
            that do not fit the model.
        FileNotFoundError: the data is not there.

    Example:
        >>> import zoo
        >>> zoo.evaluate("e4net_mnistrot", data="data")["error_percent"]  # doctest: +SKIP
        1.2
    """
    where = hub.parse_name(name_or_model) if isinstance(name_or_model, str | os.PathLike) else None
    run = where if isinstance(where, Path) else None  # an address of the Hub is looked up once
    model = resolve_model(run or name_or_model)
    if len(model.output_shape) == 4:
        raise ValueError(
            f"{model.name!r} classifies pixels, and zoo has no data set of label maps: compare its predictions on your "
            "own by zoo.evaluation.segmentation_scores."
        )
    dataset, split, (inputs, labels, *weights) = read_part(model, data, dataset=dataset, split=split, run=run)
    images: Any = None
    if takes_graphs(model):
        what, (logits, labels) = "nodes", _nodes(model, graph_inputs(inputs, model), labels, *weights)
    else:
        pixels = len(model.input_shape) == 4
        what, images = "images" if pixels else "examples", image_batch(inputs, model_shape(model)) if pixels else inputs
        with _bar(progress) as bar:
            task = bar.add_task(f"{dataset} {split}", total=len(images))
            logits = logits_of(model, images, batch_size, advance=lambda done: bar.advance(task, done))
    origin = hub.find_origin(model)
    kind = tasks.task_of(model) if origin else tasks.find_task("image-classification")
    right, loss = _score(logits, labels, kind)
    others = _measures(model) if measures is None else tuple(measures)
    if others and what != "images":
        raise ValueError(f"Measures are of images, and {model.name!r} takes graphs: leave out {', '.join(others)}.")
    chose = _chose_weights(name_or_model, dataset, split)
    label = name_or_model if isinstance(name_or_model, (str, os.PathLike)) else model.name
    return {
        "model": str(label),
        "dataset": dataset,
        "split": split,
        what: len(labels),
        "correct": int(right.sum()),
        "accuracy": float(right.mean()),
        "error_percent": 100.0 * int((~right).sum()) / right.size,
        "loss": loss,
        "chose_weights": chose,
    } | ({"measures": measure(others, model, images, labels, logits)} if others else {})


def _chose_weights(name_or_model: Any, dataset: str, split: str) -> bool:
    """Whether a card says that the weights were chosen by what they did on this part of this data."""
    if split != "validation" or not isinstance(name_or_model, str | os.PathLike):
        return False
    card = hub.card(name_or_model)
    known = (card.dataset or {}).get("name", "")
    same = known in (dataset, called(Path(dataset).absolute().name))
    return same and "validation" in (card.training or {}).get("selection", "")


def _nodes(
    model: keras.Model, inputs: dict[str, np.ndarray], labels: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels of the nodes that the weights choose; all without weights."""
    chosen = np.ones(np.shape(labels), bool) if weights is None else np.asarray(weights) > 0
    return graph_logits(model, inputs)[chosen], np.asarray(labels)[chosen]


def _measures(model: keras.Model) -> tuple[str, ...]:
    preset = getattr(hub.find_origin(model), "preset", None)
    return () if preset is None else hub.find_preset(preset).measures


def _score(logits: np.ndarray, labels: np.ndarray, task: tasks.Task) -> tuple[np.ndarray, float]:
    """Which answers are right, and the mean cross-entropy."""
    labels = np.asarray(labels)
    wanted = logits.shape if task.several_labels else logits.shape[:1]
    if logits.ndim != 2 or labels.shape != wanted:
        raise ValueError(
            f"Expected logits of shape (N, classes) and labels of shape {wanted} for the task {task.name}; got "
            f"{logits.shape} and {labels.shape}."
        )
    if not np.isfinite(logits).all():
        raise ValueError("The model's logits hold NaN or infinite values: check its weights.")
    yes_or_no = task.is_yes_or_no(logits.shape[1])
    check_labels(labels, logits.shape[1], yes_or_no=yes_or_no, what="labels of the data set")
    if yes_or_no and not np.isin(labels, (0, 1)).all():  # between them a loss can be taken, and no answer is right
        raise ValueError("Expected labels of 0 (no) or 1 (yes) for each logit; got others, and none of them is right.")
    right = tasks.answers(task, logits) == labels
    values = logits.astype(np.float64)
    if yes_or_no:
        truth = labels.reshape(values.shape)
        return right, float((np.logaddexp(0, values) - truth * values).mean())
    values -= values.max(axis=1, keepdims=True)
    losses = np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(labels)), labels.astype(np.int64)]
    return right, float(losses.mean())


def _bar(progress: bool) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not (progress and console.is_terminal))
