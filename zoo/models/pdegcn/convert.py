"""From the authors' PyTorch names and layouts to ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.models.conversion import Converted, Layout, Tensors
from zoo.models.pdegcn.config import PDEGCNConfig

_NODES = {"K1Nopen": "open/kernel", "KN1": "pde/kernel", "alpha": "pde/alpha", "KNclose": "head/kernel"}
_HIDDEN = _NODES | {
    "KNclose": "hidden0/kernel",
    "lin1.weight": "hidden1/kernel",
    "lin1.bias": "hidden1/bias",
    "lin2.weight": "head/kernel",
    "lin2.bias": "head/bias",
}
_UNUSED = ("K2Nopen", "KN2")
"""Parameters that the authors' module makes, and its forward pass with one matrix a step does not use."""


def convert(config: PDEGCNConfig, tensors: Tensors) -> Converted:
    """Weights by variable path: matrices (out, in) to (in, out), the mixing shares as a vector."""
    found = Converted()
    for name, value in tensors.items():
        path = (_HIDDEN if config.hidden else _NODES).get(name)
        if path is not None:
            found.add(path, layout(name, value), name)
        elif name in _UNUSED:
            found.notes.append(f"{name} of the file was left out: the authors' forward pass does not use it")
        else:
            found.left_over.append(name)
    return found


def layout(name: str, value: np.ndarray) -> np.ndarray:
    """One of the authors' tensors in our layout."""
    if name == "alpha":
        return value.reshape(-1)
    return value.swapaxes(-1, -2) if value.ndim > 1 else value


def _fits(config: Any) -> bool:
    """The networks for nodes; the authors' head for point clouds has biases before its norms."""
    return isinstance(config, PDEGCNConfig) and config.kind != "gcn"


LAYOUTS = (
    Layout(
        name="eldadHaber/GraphNetworks, state_dict of graphNetwork_nodesOnly",
        fits=_fits,
        convert=convert,
        license="none stated by the authors (M. Eliasof, E. Haber and E. Treister); who trained the file has the say",
    ),
)
