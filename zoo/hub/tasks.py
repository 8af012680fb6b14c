"""What a network's outputs mean: the one place where logits become probabilities and answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.hub import registry
from zoo.hub.origin import Origin, origin_of

IGNORED_LABEL = 255
"""The label of pixels that do not count, in data sets as Pascal VOC."""


@dataclass(frozen=True)
class Task:
    """What a network answers.

    A network with one logit a thing answers a single question with yes or no, whatever its task.

    Attributes:
        name: as in presets and cards.
        of: what each row of logits is about: `"image"`, `"pixel"`, `"node"`, `"graph"`, or `"example"` for
            anything else.
        several_labels: whether each logit is a yes or no of its own, so that several labels may be true at once; else
            one class of all is true.
    """

    name: str
    of: str = "image"
    several_labels: bool = False

    @property
    def ignored_label(self) -> int | None:
        """The label that does not count, or None."""
        return IGNORED_LABEL if self.of == "pixel" else None

    def is_yes_or_no(self, classes: int) -> bool:
        """Whether each of so many logits is a question of its own."""
        return self.several_labels or classes == 1


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task("image-classification"),
        Task("image-labelling", several_labels=True),
        Task("semantic-segmentation", "pixel"),
        Task("pixel-labelling", "pixel", several_labels=True),
        Task("node-classification", "node"),
        Task("node-labelling", "node", several_labels=True),
        Task("graph-classification", "graph"),
        Task("graph-labelling", "graph", several_labels=True),
        Task("point-cloud-classification", "graph"),
        Task("classification", "example"),
    )
}
"""The tasks by name."""


def find_task(name: str) -> Task:
    """The task called `name`.

    Raises:
        ValueError: there is none of that name; the known ones are listed.

    Example:
        >>> find_task("node-labelling").several_labels
        True
    """
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(
            f"unknown task {name!r}: what its logits mean is not known; expected one of {', '.join(TASKS)}"
        )
    return TASKS[name]


def task_of(name_or_model: str | os.PathLike[str] | keras.Model) -> Task:
    """The task of a model, or of the model that a name or folder stands for.

    Raises:
        ValueError: an unknown name, a model that is not one of zoo's, or a task that is not known.

    Example:
        >>> task_of("e4net_mnistrot").of
        'image'
    """
    if isinstance(name_or_model, str | os.PathLike):
        from zoo.hub.source import card  # which itself asks this module

        return find_task(card(name_or_model).task)
    return find_task(task_of_origin(origin_of(name_or_model)))


def task_of_origin(origin: Origin) -> str:
    """The task in a model's note; of a note that has none, that of its configuration."""
    return origin.task or task_of_config(origin.config)


def task_of_config(config: Any) -> str:
    """The task of a configuration whose user names none.

    That of the registered model of this name and kind; else the configuration's own field `task`, if it has one; else
    that of its kind: of the family's first registered model with a configuration of the same class.
    """
    known = registry.presets().get(config.name)
    if known is not None and type(known.config) is type(config):
        return known.task
    if getattr(config, "task", None):
        return config.task
    presets = registry.find_family(registry.family_of(config)).PRESETS
    return next(preset.task for preset in presets if type(preset.config) is type(config))


def check_task(name: str, output_shape: tuple[int | None, ...]) -> str:
    """The name of a task, if a model with outputs of this shape can have it; else a `ValueError` that says why not.

    Example:
        >>> check_task("image-labelling", (None, 5))
        'image-labelling'
    """
    axes = {"pixel": 4, "node": 3}.get(find_task(name).of, 2)
    if len(output_shape) != axes:
        fitting = [task.name for task in TASKS.values() if {"pixel": 4, "node": 3}.get(task.of, 2) == len(output_shape)]
        raise ValueError(
            f"task {name!r} has outputs of {axes} axes, and this model's have the shape {output_shape}: "
            f"expected one of {', '.join(fitting)}"
        )
    return name


def probabilities(task: str | Task, logits: Any) -> Any:
    """Probabilities of logits: of classes that exclude one another, or of yes for each logit.

        softmax over the last axis, where one class of all is true;
        sigmoid, where several labels may be true at once, or where there is a single logit.

    Args:
        task: a task or its name.
        logits: shape `(..., classes)`, of pixels and nodes too: an array, or a tensor of Keras's backend.

    Returns:
        The same shape: float64 for arrays, a tensor of at least 32 bits for tensors.

    Raises:
        ValueError: an unknown task.

    Example:
        >>> probabilities("image-classification", np.zeros((1, 4))).tolist()
        [[0.25, 0.25, 0.25, 0.25]]
        >>> probabilities("node-labelling", np.zeros((1, 4))).tolist()
        [[0.5, 0.5, 0.5, 0.5]]
    """
    task = find_task(task) if isinstance(task, str) else task
    yes_or_no = task.is_yes_or_no(logits.shape[-1])
    if keras.ops.is_tensor(logits) or isinstance(logits, keras.KerasTensor):
        if keras.backend.standardize_dtype(logits.dtype) in ("float16", "bfloat16"):
            logits = keras.ops.cast(logits, "float32")
        return keras.ops.sigmoid(logits) if yes_or_no else keras.ops.softmax(logits, axis=-1)
    values = np.asarray(logits, "float64")
    if yes_or_no:
        return 0.5 * (1.0 + np.tanh(0.5 * values))  # never overflows
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def answers(task: str | Task, logits: np.ndarray) -> np.ndarray:
    """What a network says, in the form of the labels it learns from.

    Args:
        task: a task or its name.
        logits: shape `(..., classes)`.

    Returns:
        Class numbers `(...)`; 0 or 1 for a single logit; 0 or 1 for each logit, `(..., classes)`, where several labels
        may be true at once.

    Raises:
        ValueError: an unknown task.

    Example:
        >>> answers("image-classification", np.array([[0.0, 2.0], [1.0, -1.0]])).tolist()
        [1, 0]
        >>> answers("image-labelling", np.array([[3.0, 2.0], [1.0, -1.0]])).tolist()
        [[1, 1], [1, 0]]
    """
    task = find_task(task) if isinstance(task, str) else task
    if task.several_labels:
        return (logits > 0).astype("int64")
    return (logits[..., 0] > 0).astype("int64") if logits.shape[-1] == 1 else logits.argmax(axis=-1)
