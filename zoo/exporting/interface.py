"""The names, types and shapes under which an exported model is called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo import _keras
from zoo.hub import Card
from zoo.hub.tasks import probabilities

Arrays = dict[str, Any]
IMAGE = "image"
LOGITS, PROBABILITIES, FEATURES = "logits", "probabilities", "features"


@dataclass(frozen=True)
class Spec:
    """Type and shape of one input or output; None stands for an axis of any length."""

    dtype: str
    shape: tuple[int | None, ...]

    def to_dict(self) -> dict[str, Any]:
        """The form in `zoo.json`."""
        return {"dtype": self.dtype, "shape": list(self.shape)}


@dataclass(frozen=True)
class Interface:
    """How a Keras model is called by name.

    Attributes:
        model: the network.
        inputs: its inputs by name.
        card: what zoo knows of it; None for a Keras model of the user's own.
        labels: class names in logit order.
    """

    model: keras.Model
    inputs: dict[str, Spec]
    card: Card | None = None
    labels: tuple[str, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels if the model takes images of one size, grey or coloured."""
        spec = self.inputs.get(IMAGE)
        if self.card is None or spec is None or len(spec.shape) != 4 or None in spec.shape[1:]:
            return None
        height, width, channels = (int(side or 0) for side in spec.shape[1:])
        return (height, width, channels) if channels in (1, 3) else None

    @property
    def any_batch(self) -> bool:
        """Whether the first axis of every input may have any length."""
        return all(spec.shape[:1] == (None,) for spec in self.inputs.values())

    def call(self, arrays: Mapping[str, Any]) -> Arrays:
        """The model's outputs by name: `logits` and `probabilities`, or `features` of a model without a head.

        Outputs of a Keras model of the user's own have the keys of its dictionary or the names of the layers that make
        them. Where several have one name, or that of an input, they are numbered: `embedding`, `embedding_1`.
        """
        given = keras.tree.pack_sequence_as(self.model.input, [arrays[name] for name in self.inputs])
        result = self.model(given, training=False)
        if self.card is None:
            names = _unlike(self.inputs, _keys(self.model.output) or self.model.output_names)
            return dict(zip(names, keras.tree.flatten(result), strict=True))
        if not self.card.architecture["config"].get("include_head", True):
            return {FEATURES: result}
        return {LOGITS: result, PROBABILITIES: probabilities(self.card.task, result)}


def interface_of(model: keras.Model, card: Card | None = None) -> Interface:
    """The names of a functional model.

    Args:
        model: a functional Keras model, or a `Sequential` one. The single input of one of zoo's image models is called
            `image`; every other input keeps the name it has in Keras.
        card: the model's card if it is one of zoo's.

    Raises:
        ValueError: the model is not functional (nor a `Sequential` one), or was never built.
    """
    functional = _keras.functional_of(model)
    if functional is None:
        raise ValueError(
            f"Expected a functional Keras model with known inputs; got {type(model).__name__} {model.name!r}: "
            f"build it from keras.Input layers"
        )
    inputs = functional.inputs
    keys = _keys(functional.input)
    if keys is None and card is not None and len(inputs) == 1 and len(inputs[0].shape) == 4:
        keys = [IMAGE]
    names = _unlike((), map(_word, keys or [tensor.name for tensor in inputs]))
    specs = {name: Spec(str(one.dtype), tuple(one.shape)) for name, one in zip(names, inputs, strict=True)}
    return Interface(functional, specs, card, card.labels if card else ())


def _keys(structure: Any) -> list[str] | None:
    """The keys of a dictionary of tensors, in the order in which Keras lists the tensors; None for anything else."""
    if not isinstance(structure, Mapping) or any(keras.tree.is_nested(value) for value in structure.values()):
        return None
    return keras.tree.flatten({key: str(key) for key in structure})


def _word(name: str) -> str:
    """A name that TensorFlow lets a function's argument have."""
    word = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return word if word[:1].isalpha() else f"input_{word}"


def _unlike(taken: Iterable[str], names: Iterable[str]) -> list[str]:
    """The names, numbered where they would stand for two things: ONNX tells inputs and outputs by their names alone."""
    names, found = list(names), []
    known = {*taken, *names}
    free = set(names) - set(taken)
    for name in names:
        if name in free:
            free.remove(name)
        else:
            numbered = (f"{name}_{number}" for number in itertools.count(1))
            name = next(one for one in numbered if one not in known)
            known.add(name)
        found.append(name)
    return found
