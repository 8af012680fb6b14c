"""Graphs as inputs: checks before any of it reaches a model, the graph that ships with a model, and its nodes."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.hub import store
from zoo.layers.protocol import offers
from zoo.math import check_edges

ASSET = "graph.npz"
"""File beside the weights that holds the graph whose nodes a model was trained on."""
_LARGE = 2_000_000  # edges beyond which the bound is not computed unasked: it takes seconds

Inputs = dict[str, np.ndarray]


def takes_graphs(model: keras.Model) -> bool:
    """Whether a model's inputs are the nodes `x` and `edges` of graphs."""
    return isinstance(getattr(model, "input", None), dict) and set(model.input) - {"edge_weight"} == {"x", "edges"}


def graph_inputs(graph: Any, model: keras.Model) -> Inputs:
    """A graph, or a batch of graphs, as the arrays a model takes, or an error that says what is wrong with it.

    Args:
        graph: mapping with the features `x`, (N, F) or (B, N, F), and the integers `edges`, (E, 2) or (B, E, 2); for
            models that take them also the weights `edge_weight`, (E,) or (B, E).
        model: takes graphs.

    Returns:
        `{"x": float32 (B, N, F), "edges": int32 (B, E, 2)}`, and float32 `edge_weight` (B, E) where the model takes it.

    Raises:
        ValueError: something missing, a wrong shape or width, NaN or infinite features, edges that are no integers or
            name nodes that are not there.

    Example:
        >>> import zoo
        >>> graph = {"x": np.zeros((3, 1433)), "edges": [[0, 1], [1, 0]]}
        >>> graph_inputs(graph, zoo.build("pdegcn_cora"))["edges"].shape
        (1, 2, 2)
    """
    x, edges = _batch(graph, model)
    if not np.isfinite(x).all():
        bad = int((~np.isfinite(x)).any(axis=-1).sum())
        raise ValueError(f"Expected finite features; {bad} of {x.shape[0] * x.shape[1]} nodes hold NaN or infinity.")
    inputs = {"x": x.astype("float32", copy=False), "edges": edges}
    if "edge_weight" in model.input:
        inputs["edge_weight"] = _edge_weight(graph, edges)
    return inputs


def _edge_weight(graph: Mapping[str, Any], edges: np.ndarray) -> np.ndarray:
    """Finite weights of all edges."""
    weight = _array(graph["edge_weight"], "weights edge_weight")
    if weight.dtype.kind not in "biuf" or weight.size != edges[..., 0].size or weight.shape[-1:] != edges.shape[1:2]:
        raise ValueError(
            f"Expected one weight for each of the edges of shape {edges.shape}; got edge_weight of {weight.dtype} "
            f"{weight.shape}."
        )
    if not np.isfinite(weight).all():
        raise ValueError("Expected finite weights of edges; got NaN or infinity in edge_weight.")
    return weight.astype("float32").reshape(edges.shape[:2])


def check_step_size(model: keras.Model, inputs: Inputs) -> float | None:
    """Warns if a model's time steps are too long for a graph: then they blow up instead of spreading.

    Args:
        model: a model with `PDEGCNBlock` layers; for others nothing is done.
        inputs: `{"x": (B, N, F), "edges": (B, E, 2)}`, of which the first graph is looked at, or one graph,
            `{"x": (N, F), "edges": (E, 2)}`.

    Returns:
        The largest stable step, for the layers' largest kernel; None without a `PDEGCNBlock`, and for models that take
        weights of edges, whose bound is not computed.

    Raises:
        ValueError: something missing, a wrong shape, edges that are no integers or name nodes that are not there.

    Example:
        >>> import zoo
        >>> model = zoo.build("pdegcn_cora")
        >>> inputs = {"x": np.zeros((2, 1433)), "edges": [[0, 1], [1, 0]]}
        >>> 3.5 < check_step_size(model, inputs) < 4
        True
    """
    blocks = [layer for layer in model.layers if offers(layer, "stable_step")]
    if not blocks or "edge_weight" in model.input:
        return None
    limit, (x, edges) = math.inf, _batch(inputs, model)
    for block in blocks:
        found = block.stable_step(edges[0], x.shape[1])
        if block.step_size > found * (1 + 1e-3):
            advice = "Give a smaller step_size" + ("." if block.normalization else " or normalization='gcn'.")
            warnings.warn(
                f"Layer {block.name!r} of {model.name!r} steps by {block.step_size:.4g}, but on this graph its "
                f"equation is stable up to {found:.4g} only: outputs may blow up with the depth. {advice}",
                stacklevel=3,
            )
        limit = min(limit, found)
    return limit


def graph_logits(model: keras.Model, inputs: Inputs) -> np.ndarray:
    """The model's logits, float32, for checked inputs; warns of steps that are too long for a graph of common size."""
    if inputs["edges"].shape[1] <= _LARGE:
        check_step_size(model, inputs)
    return np.asarray(keras.ops.convert_to_numpy(model.predict_on_batch(inputs)), "float32")


def pack_graph(inputs: Inputs) -> bytes:
    """The content of `graph.npz` for `zoo.save(assets=...)`: the one graph that a node classifier was trained on.

    Args:
        inputs: `{"x": features (N, F) or (1, N, F), "edges": integers (E, 2) or (1, E, 2)}`.

    Returns:
        The bytes of the file.

    Raises:
        ValueError: features of another shape, or edges that are no integers or name nodes that are not there.

    Example:
        >>> import tempfile, zoo
        >>> model, graph = zoo.build("pdegcn_cora"), {"x": np.eye(3, 1433), "edges": [[0, 1], [1, 0]]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = zoo.save(model, folder, assets={"graph.npz": pack_graph(graph)})
        ...     len(zoo.predict(run, nodes=[0, 2]))
        2
    """
    x = _array(inputs["x"], "features x")
    if x.ndim not in (2, 3):
        raise ValueError(f"Expected features x of shape (nodes, features), or (1, nodes, features); got {x.shape}.")
    edges = check_edges(_array(inputs["edges"], "edges"), x.shape[-2])
    weights = {"edge_weight": _edge_weight(inputs, edges)} if "edge_weight" in inputs else {}
    return store.arrays_to_bytes(x=x, edges=edges, **weights)


def shipped_graph(model: keras.Model) -> Inputs:
    """The graph that lies beside a model's weights.

    Raises:
        ValueError: the model was not loaded with weights, or there is no graph beside them.
    """
    origin = hub.origin_of(model)
    if origin.weights is None:
        raise ValueError(f'{model.name!r} has no weights, and so no graph: pass {{"x": features, "edges": pairs}}.')
    folder = os.path.isabs(origin.weights)
    name = Path(origin.weights) if folder else f"{origin.preset}.{origin.weights}"
    if ASSET not in hub.card(name).files:
        raise ValueError(f'No graph ships with {str(name)!r}: pass one, {{"x": features, "edges": pairs}}.')
    return store.arrays_from_bytes(hub.asset(name, ASSET).read_bytes())


def chosen_nodes(nodes: Sequence[int] | None, count: int) -> np.ndarray:
    """Numbers of nodes as an array; None means all.

    Raises:
        ValueError: no whole numbers, or some that are out of range.
    """
    if nodes is None:
        return np.arange(count)
    chosen = np.asarray(nodes)
    if chosen.ndim != 1 or not chosen.size or chosen.dtype.kind not in "iu":
        raise ValueError(f"Expected a list of node numbers, as nodes=[5, 7]; got {nodes!r}.")
    if chosen.min() < 0 or chosen.max() >= count:
        wrong = chosen.max() if chosen.max() >= count else chosen.min()
        raise ValueError(f"There is no node {wrong}: the graph has the nodes 0 to {count - 1}.")
    return chosen


def _batch(graph: Any, model: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Numeric features (B, N, F) and as many checked lists of edges (B, E, 2), of one graph or of several."""
    if not isinstance(graph, Mapping) or not {"x", "edges"} <= set(graph):
        given = sorted(graph) if isinstance(graph, Mapping) else type(graph).__name__
        raise ValueError(f'{model.name!r} takes a graph: expected {{"x": features, "edges": pairs}}; got {given}.')
    if takes_graphs(model):
        _check_keys(graph, model)
    x, edges = _array(graph["x"], "features x"), _array(graph["edges"], "edges")
    width = model.input["x"].shape[-1] if takes_graphs(model) else "features"
    if x.ndim not in (2, 3) or x.dtype.kind not in "biuf":
        raise ValueError(f"Expected numeric features x of shape (nodes, {width}); got {x.dtype} {x.shape}.")
    if takes_graphs(model) and x.shape[-1] != width:
        turned = "T" if x.ndim == 2 else "transpose(0, 2, 1)"
        hint = f" They look transposed: pass x.{turned}, one row a node." if x.shape[-2] == width else ""
        raise ValueError(f"Expected {width} features a node for {model.name!r}; got x of shape {x.shape}.{hint}")
    if 0 in x.shape:
        raise ValueError(f"Expected at least one node; got features of shape {x.shape}.")
    edges = np.zeros((*x.shape[:-2], 0, 2), "int32") if edges.shape == (0,) else edges  # none, written as []
    edges = check_edges(edges, x.shape[-2])
    if x.ndim != edges.ndim or x.shape[:-2] != edges.shape[:-2]:
        lacking = {(2, 3): "x", (3, 2): "edges"}.get((x.ndim, edges.ndim))
        hint = f" Both or neither have a batch axis: pass {lacking}[None]." if lacking else ""
        raise ValueError(f"Expected as many edge lists as graphs; got x of {x.shape} and edges of {edges.shape}.{hint}")
    return (x[None], edges[None]) if x.ndim == 2 else (x, edges)


def _check_keys(graph: Mapping[str, Any], model: keras.Model) -> None:
    """Refuses a graph with more than the model takes, or without the weights of edges that it takes."""
    more, less = sorted(set(graph) - set(model.input)), sorted(set(model.input) - set(graph))
    if not (more or less):
        return
    way = " Build it with edge_weight=True, as in zoo.build(name, edge_weight=True)." if "edge_weight" in more else ""
    raise ValueError(f"{model.name!r} takes {sorted(model.input)}; got {sorted(graph)}.{way}")


def _array(value: Any, what: str) -> np.ndarray:
    if hasattr(value, "toarray"):
        advice = f"{what.split()[-1]}.toarray()" if what != "edges" else "zoo.math.from_scipy(matrix)"
        raise ValueError(f"Expected {what} as an array; got a sparse {type(value).__name__}: pass {advice}.")
    try:
        return _numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
    except ValueError as error:  # ragged lists
        raise ValueError(f"Expected {what} as an array; got {type(value).__name__}: {error}") from error


def _numpy(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value))
