"""The energy of a graph network's time steps, in NumPy."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.math import gcn_weights


def energies(block: Any, start: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The energy after every step of a `PDEGCNBlock`; `zoo.evaluation.graph_energy` has the formulas."""
    found = states(block, start, edges)
    if block.kind != "hyperbolic":
        return 0.5 * np.square(found).sum(axis=(1, 2))
    speeds = np.diff(found, axis=0) / block.step_size
    forces = [_flow(block, found[step + 1], edges, step) for step in range(block.depth)]
    return 0.5 * np.square(speeds).sum(axis=(1, 2)) + 0.5 * (found[:-1] * forces).sum(axis=(1, 2))


def states(block: Any, start: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """x[0] to x[depth], (depth + 1, N, C)."""
    every = type(block).from_config(block.get_config() | {"concatenate": True, "name": f"{block.name}_all"})
    every.build((1, *start.shape), (1, *edges.shape))
    every.set_weights(block.get_weights())
    found = np.asarray(keras.ops.convert_to_numpy(every(start[None], edges[None])), "float64")
    count, width = start.shape
    steps = found.reshape(count, block.depth, width).swapaxes(0, 1)
    return np.concatenate([start[None], steps]).astype("float64")


def _flow(block: Any, x: np.ndarray, edges: np.ndarray, step: int) -> np.ndarray:
    """F of one step."""
    kernel = np.asarray(keras.ops.convert_to_numpy(block.kernel[step]), "float64")
    kept = edges[:, 0] != edges[:, 1]
    weights = gcn_weights(edges, len(x))[kept, None] if block.normalization else 1.0
    i, j = edges[kept].T
    flows = weights * (x[i] - x[j])
    if block.double:
        second = np.asarray(keras.ops.convert_to_numpy(block.kernel2[step]), "float64")
        flows = np.tanh(flows)
        for matrix in (kernel, second, second.T, kernel.T):
            flows = np.tanh(flows @ matrix)
    else:
        flows = flows @ kernel
        flows = (np.tanh(flows) if block.activation == "tanh" else np.maximum(flows, 0.0)) @ kernel.T
    sums = np.zeros_like(x)
    np.add.at(sums, i, weights * flows)
    np.subtract.at(sums, j, weights * flows)
    return sums
