"""A tiny family whose models take a dict: nodes and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from tests.hub.toy import PAPER
from zoo.models.preset import Preset


@dataclass(frozen=True)
class ToyGraphConfig:
    name: str
    features: int = 3
    num_classes: int = 2
    include_head: bool = True


def build(config: ToyGraphConfig) -> keras.Model:
    x = keras.Input((None, config.features), name="x")
    edges = keras.Input((None, 2), dtype="int32", name="edges")
    present = keras.ops.cast(keras.ops.expand_dims(edges[..., 0] >= 0, -1), x.dtype)
    y = keras.layers.Dense(4, name="mix")(x) * keras.ops.mean(present, axis=1, keepdims=True)
    if config.include_head:
        y = keras.layers.Dense(config.num_classes, name="head")(y)
    return keras.Model({"x": x, "edges": edges}, y, name=config.name)


def example_inputs(config: ToyGraphConfig) -> dict[str, np.ndarray]:
    x = np.linspace(-1, 1, 5 * config.features, dtype="float32").reshape(1, 5, config.features)
    return {"x": x, "edges": np.array([[[0, 1], [1, 2], [3, 4], [-1, -1]]], "int32")}


PRESETS = (
    Preset(
        name="toygraph_ring",
        config=ToyGraphConfig("toygraph_ring"),
        summary="a toy on graphs",
        paper=PAPER,
        dataset="rings",
        labels=("odd", "even"),
        parameters=3 * 4 + 4 + 4 * 2 + 2,
        task="node-classification",
    ),
)
RECIPES: dict = {}
