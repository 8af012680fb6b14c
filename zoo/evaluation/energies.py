"""How much energy a graph network's time steps keep."""

from __future__ import annotations

from typing import Any

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
        ValueError: a model without such a block, or with weights of edges, or inputs that do not fit.

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
    inputs = _one_graph(graph, model)
    return blocks[0].energies(_values(model, blocks[0].input[0], inputs), np.asarray(inputs["edges"])[0])


def graph_features(model: keras.Model, graph: Inputs) -> np.ndarray:
    """The features of all nodes of one graph before and after each layer that passes them along the edges.

    Args:
        model: has one `PDEGCNBlock`, whose steps are the layers, or `GraphConvolution` layers of one width, after
            each of which the activation counts.
        graph: its inputs, for one graph.

    Returns:
        float64 (depth + 1, N, C).

    Raises:
        ValueError: a model with neither, with other names of layers, or with weights of edges; inputs that do not fit.

    Example:
        >>> import zoo
        >>> graph = {"x": np.eye(3, 1433), "edges": [[0, 1], [1, 0]]}
        >>> graph_features(zoo.build("pdegcn_cora"), graph).shape, graph_features(zoo.build("gcn_cora"), graph).shape
        ((17, 3, 64), (3, 3, 64))
    """
    inputs = _one_graph(graph, model)
    blocks = [layer for layer in model.layers if offers(layer, "states")]
    if len(blocks) == 1:
        return blocks[0].states(_values(model, blocks[0].input[0], inputs), np.asarray(inputs["edges"])[0])
    passing = [layer for layer in model.layers if isinstance(layer.input, (list, tuple)) and len(layer.input) > 1]
    if not passing:
        raise ValueError(f"Expected a model with a PDEGCNBlock or GraphConvolution layers; {model.name!r} has none.")
    names = {layer.name for layer in model.layers}
    if lacking := [f"{layer.name}_relu" for layer in passing if f"{layer.name}_relu" not in names]:
        raise ValueError(
            f"Expected each layer over edges to be followed by one called <its name>_relu, as in zoo's GCNs; "
            f"{model.name!r} has no {', '.join(lacking)}."
        )
    activated = [model.get_layer(f"{layer.name}_relu").output for layer in passing]
    states = [_values(model, tensor, inputs) for tensor in (passing[0].input[0], *activated)]
    return np.stack(states).astype("float64")


def _one_graph(graph: Inputs, model: keras.Model) -> Inputs:
    inputs = graph_inputs(graph, model)
    if len(inputs["x"]) != 1:
        raise ValueError(f"Expected one graph; got {len(inputs['x'])}.")
    if "edge_weight" in inputs:
        raise ValueError(f"Energy and features are known of edges without weights; {model.name!r} takes edge_weight.")
    return inputs


def _values(model: keras.Model, tensor: Any, inputs: Inputs) -> np.ndarray:
    """What a symbolic tensor of a model holds for the first graph."""
    return np.asarray(keras.ops.convert_to_numpy(keras.Model(model.input, tensor).predict_on_batch(inputs)))[0]
