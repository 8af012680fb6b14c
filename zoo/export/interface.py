"""The names, types and shapes under which an exported model is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from zoo.hub import Card

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

    def call(self, arrays: Mapping[str, Any]) -> Arrays:
        """The model's outputs by name: `logits` and `probabilities`, or `features` of a model without a head."""
        given: Any = dict(arrays)
        if not isinstance(self.model.input, Mapping):
            ordered = [given[name] for name in self.inputs]
            given = ordered if isinstance(self.model.input, (list, tuple)) else ordered[0]
        result = self.model(given, training=False)
        if self.card is None:
            return _own_outputs(self.model, result)
        if not self.card.architecture["config"].get("include_head", True):
            return {FEATURES: result}
        return {LOGITS: result, PROBABILITIES: keras.ops.softmax(result, axis=-1)}


def interface_of(model: keras.Model, card: Card | None = None) -> Interface:
    """The names of a functional model.

    Args:
        model: a functional Keras model. The single input of one of zoo's image models is called `image`; every other
            input keeps the name it has in Keras.
        card: the model's card if it is one of zoo's.

    Raises:
        ValueError: the model is not functional, or was never built.
    """
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ValueError(
            f"expected a functional Keras model with known inputs, got {type(model).__name__} {model.name!r}: "
            f"build it from keras.Input layers"
        )
    structure = model.input
    if isinstance(structure, Mapping):
        named = dict(structure)
    elif card is not None and len(inputs) == 1 and len(inputs[0].shape) == 4:
        named = {IMAGE: inputs[0]}
    else:
        named = {tensor.name: tensor for tensor in inputs}
    specs = {name: Spec(str(tensor.dtype), (None, *tensor.shape[1:])) for name, tensor in named.items()}
    return Interface(model, specs, card, card.labels if card else ())


def _own_outputs(model: keras.Model, result: Any) -> Arrays:
    """Outputs of a model that is not zoo's, under their own names."""
    if isinstance(result, Mapping):
        return dict(result)
    several = list(result) if isinstance(result, (list, tuple)) else [result]
    return dict(zip(model.output_names, several, strict=True))
