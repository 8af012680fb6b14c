"""What layers take as Keras' own do: an activation, and an initializer, a regularizer and a constraint a weight."""

from __future__ import annotations

from typing import Any

from keras import activations, constraints, initializers, regularizers

_KINDS: dict[str, Any] = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


def keep(layer: Any, weight: str, initializer: Any, regularizer: Any, constraint: Any) -> None:
    """Keeps what a weight is to have as attributes such as `kernel_initializer`: objects of Keras, or None."""
    for (kind, module), value in zip(_KINDS.items(), (initializer, regularizer, constraint), strict=True):
        setattr(layer, f"{weight}_{kind}", module.get(value))


def options(layer: Any, weight: str) -> dict[str, Any]:
    """What `add_weight` takes of those that `keep` kept for a weight."""
    return {kind: getattr(layer, f"{weight}_{kind}") for kind in _KINDS}


def config(layer: Any, *weights: str) -> dict[str, Any]:
    """What `keep` kept for some weights, as a configuration has it."""
    found = {}
    for weight in weights:
        for kind, module in _KINDS.items():
            value = getattr(layer, f"{weight}_{kind}")
            found[f"{weight}_{kind}"] = None if value is None else module.serialize(value)
    return found


def is_linear(layer: Any) -> bool:
    """Whether a layer's activation changes nothing."""
    return layer.activation is activations.linear
