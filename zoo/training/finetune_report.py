"""What a fine-tuned model is worth: numbers of every class, and pictures of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.datasets.protocol import DataSet
from zoo.evaluation import confusion, takes_graphs
from zoo.evaluation.graphs import graph_logits
from zoo.evaluation.prediction import logits_of
from zoo.training import record
from zoo.visual import plot_confusion, plot_learning_curves

REPORT, CURVES, CONFUSION = "report.json", "curves.png", "confusion.png"


def write_report(folder: Path, data: DataSet) -> None:
    """Writes `report.json`, `curves.png` and `confusion.png` into the folder of a finished run, if they are not there.

    Args:
        folder: of the run.
        data: whose test split, or else validation split, is looked at.

    Raises:
        OSError: the folder cannot be written.
    """
    if all((folder / name).is_file() for name in (REPORT, CURVES, CONFUSION)):
        return
    part = "validation" if data.test is None else "test"
    table = _table(hub.load(folder, compile=False), getattr(data, part))
    names = list(data.classes or ())
    correct, count = int(np.trace(table)), int(table.sum())
    plot_learning_curves(folder, path=folder / CURVES)
    title = f"{part}: {correct} of {count} right"
    plot_confusion(table, names, path=folder / CONFUSION, title=title)
    facts = {"split": part, "examples": count, "correct": correct, "accuracy": correct / count, "classes": names}
    classes = {
        name: {"examples": int(table[k].sum()), "correct": int(table[k, k]), "answered": int(table[:, k].sum())}
        for k, name in enumerate(names)
    }
    record.write_json(folder / REPORT, facts | {"by_class": classes, "confusion": table.tolist()})


def _table(model: keras.Model, split: Any) -> np.ndarray:
    """How often each class was taken for each."""
    inputs, labels, *weights = split
    if keras.backend.backend() == "tensorflow":
        model.jit_compile = False  # for a single pass
    if takes_graphs(model):
        logits = graph_logits(model, inputs)
        chosen = np.ones(labels.shape, bool) if not weights else weights[0] > 0
        return confusion(labels[chosen], logits[chosen].argmax(axis=-1), logits.shape[-1])
    logits = logits_of(model, inputs, min(64, len(inputs)))
    return confusion(labels, logits.argmax(axis=-1), logits.shape[-1])
