"""From the reference implementation's tensors to ours."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.models.pdegcn import PDEGCNConfig
from zoo.models.pdegcn.convert import convert

KINDS = {"D": "diffusive", "H": "hyperbolic", "M": "mixed"}


def layout(golden: Any, prefix: str = "w__", config: PDEGCNConfig | None = None) -> dict[str, np.ndarray]:
    """Weights (or, with the prefix `grad__`, gradients) by variable path; `K2` of a double step is no preset's."""
    named = {name.removeprefix(prefix): golden[name] for name in golden if name.startswith(prefix)}
    named = {name: value for name, value in named.items() if name != "x"}
    second = named.pop("KN2", None)
    found = convert(config or PDEGCNConfig(), named)
    assert not found.left_over
    return found.tensors | ({} if second is None else {"pde/kernel2": second.swapaxes(-1, -2)})


def edges_of(golden: Any, prefix: str = "") -> np.ndarray:
    return golden[f"{prefix}edge_index"].T.astype("int32")


def assign(model: keras.Model, weights: dict[str, np.ndarray]) -> None:
    for variable in model.trainable_weights:
        variable.assign(weights[variable.path])
    assert len(model.trainable_weights) == len(weights)


class OnGraph(keras.Model):
    """A model of one graph whose edges are fixed, as a function of the features (N, F)."""

    def __init__(self, model: keras.Model, edges: np.ndarray) -> None:
        super().__init__()
        self.inner, self.edges = model, edges
        self.built = True  # `gradients` calls it on JAX without a call before

    def call(self, x: Any, training: bool = False) -> Any:
        inputs = {"x": x[None], "edges": keras.ops.convert_to_tensor(self.edges[None])}
        return self.inner(inputs, training=training)[0]
