"""How much energy a graph network's time steps keep."""

from __future__ import annotations

import keras
import numpy as np

from zoo.evaluation.graphs import Inputs, graph_inputs
from zoo.layers.protocol import offers


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
    blocks = [layer for layer in model.layers if offers(layer, "energies")]
    if len(blocks) != 1:
        raise ValueError(f"Expected a model with one PDEGCNBlock; {model.name!r} has {len(blocks)}.")
    inputs = graph_inputs(graph, model)
    if len(inputs["x"]) != 1:
        raise ValueError(f"Expected one graph; got {len(inputs['x'])}.")
    nodes, _ = blocks[0].input
    start = keras.Model(model.input, nodes).predict_on_batch(inputs)
    return blocks[0].energies(np.asarray(keras.ops.convert_to_numpy(start))[0], np.asarray(inputs["edges"])[0])
