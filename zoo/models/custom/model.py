"""Networks from the Keras configuration in a `CustomConfig`."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np

from zoo.models.custom.config import CustomConfig, ends, own_layers

_SIDE = 32


def build(config: CustomConfig) -> keras.Model:
    """The network, untrained.

    Args:
        config: as `config_of` makes it.

    Returns:
        A functional model that gives logits.

    Raises:
        ValueError: layers of the user's own that are not registered in this process, or a configuration that asks
            for another number of classes or another input than the network has.
    """
    try:
        made = keras.saving.deserialize_keras_object(json.loads(config.architecture))
    except Exception as error:  # Keras raises whatever the constructors of foreign layers raise
        own = ", ".join(own_layers(config.architecture))
        hint = f" It has layers of its own, {own}: import the module that registers them first." if own else ""
        raise ValueError(f"The network {config.name!r} cannot be made from its configuration: {error}{hint}") from error
    inputs, output = ends(made)
    model = made if not isinstance(made, keras.Sequential) else keras.Model(inputs, output, name=made.name)
    shape = (inputs["x"] if isinstance(inputs, dict) else inputs).shape[1:]
    asked = (tuple(config.input_shape), config.num_classes, config.include_head)
    if asked != (tuple(shape), output.shape[-1], True):
        raise ValueError(
            f"{config.name!r} is a network of your own, whose input {tuple(shape)}, {output.shape[-1]} classes and "
            "head are part of it: build it anew for others."
        )
    return model


def example_inputs(config: CustomConfig) -> Any:
    """A small batch that the network takes: whole numbers 0..255, or two nodes with an edge."""
    rng = np.random.default_rng(0)
    network = json.loads(config.architecture)["config"]
    if isinstance(network.get("input_layers"), dict):
        edges = np.array([[[0, 1], [1, 0]]], "int32")
        nodes, features = (side or 2 for side in config.input_shape)
        return {"x": rng.normal(size=(1, nodes, features)).astype("float32"), "edges": edges}
    return rng.integers(0, 256, (2, *(side or _SIDE for side in config.input_shape)), dtype="uint8")
