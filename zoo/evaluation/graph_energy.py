"""How much energy a graph network's time steps keep."""

from __future__ import annotations

import keras
import numpy as np

from zoo.evaluation.graphs import Inputs, graph_inputs
from zoo.layers import PDEGCNBlock
from zoo.math import gcn_weights


def graph_energy(model: keras.Model, graph: Inputs) -> np.ndarray:
    """The energy after every time step of a PDE-GCN, for one graph.

    A diffusion, whose norm cannot grow within the stable step size, and a mixed network have

        E[l] = ||x[l]||^2 / 2                                            for l = 0 .. depth

    A wave has the energy that leapfrog steps conserve exactly while the kernels are equal and the ReLU cancels,

        E[l] = ||(x[l + 1] - x[l]) / h||^2 / 2 + <x[l], F(x[l + 1])> / 2       for l = 0 .. depth - 1

    Args:
        model: has one `PDEGCNBlock`.
        graph: its inputs, for one graph.

    Returns:
        float64 (depth + 1,), or (depth,) for waves.

    Raises:
        ValueError: a model without such a block, or inputs that do not fit.

    Example:
        >>> import zoo
        >>> graph = {"x": np.eye(3, 1433), "edges": [[0, 1], [1, 0]]}
        >>> energy = graph_energy(zoo.build("pdegcn_cora"), graph)
        >>> energy.shape, bool((np.diff(energy) <= 0).all())
        ((17,), True)
    """
    blocks = [layer for layer in model.layers if isinstance(layer, PDEGCNBlock)]
    if len(blocks) != 1:
        raise ValueError(f"Expected a model with one PDEGCNBlock; {model.name!r} has {len(blocks)}.")
    inputs = graph_inputs(graph, model)
    if len(inputs["x"]) != 1:
        raise ValueError(f"Expected one graph; got {len(inputs['x'])}.")
    block, states = blocks[0], _states(model, blocks[0], inputs)
    if block.kind != "hyperbolic":
        return 0.5 * np.square(states).sum(axis=(1, 2))
    speeds = np.diff(states, axis=0) / block.step_size
    forces = [_flow(block, states[step + 1], inputs["edges"][0], step) for step in range(block.depth)]
    return 0.5 * np.square(speeds).sum(axis=(1, 2)) + 0.5 * (states[:-1] * forces).sum(axis=(1, 2))


def _states(model: keras.Model, block: PDEGCNBlock, inputs: Inputs) -> np.ndarray:
    """x[0] to x[depth], (depth + 1, N, C)."""
    nodes, edges = block.input
    start = keras.Model(model.input, nodes).predict_on_batch(inputs)
    every = PDEGCNBlock.from_config(block.get_config() | {"concatenate": True, "name": f"{block.name}_all"})
    every.build(nodes.shape, edges.shape)
    every.set_weights(block.get_weights())
    start = np.asarray(keras.ops.convert_to_numpy(start))
    found = np.asarray(keras.ops.convert_to_numpy(every(start, inputs["edges"])), "float64")
    _, count, width = start.shape
    return np.concatenate([start, found.reshape(count, block.depth, width).swapaxes(0, 1)]).astype("float64")


def _flow(block: PDEGCNBlock, x: np.ndarray, edges: np.ndarray, step: int) -> np.ndarray:
    """F of one step in NumPy."""
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
