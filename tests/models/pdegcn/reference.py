"""From the reference implementation's tensors to ours."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

KINDS = {"D": "diffusive", "H": "hyperbolic", "M": "mixed"}


def layout(golden: Any, prefix: str = "w__") -> dict[str, np.ndarray]:
    """Weights (or, with the prefix `grad__`, gradients) by variable path; the reference's are (out, in)."""
    names = {
        "open/kernel": "K1Nopen",
        "pde/kernel": "KN1",
        "pde/kernel2": "KN2",
        "pde/alpha": "alpha",
        "head/kernel": "KNclose",
    }
    found = {path: golden[prefix + name] for path, name in names.items() if prefix + name in golden}
    return {path: v.reshape(-1) if path.endswith("alpha") else v.swapaxes(-1, -2) for path, v in found.items()}


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
