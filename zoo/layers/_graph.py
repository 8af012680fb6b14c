"""What the graph layers share: a batch of graphs as one, and sums over the edges of a node."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from zoo.layers._common import widened
from zoo.math import check_edges
from zoo.math.values import Tensor, check_choice, known

NORMALIZATIONS = ("gcn", None)


class GraphBatch(NamedTuple):
    """The graphs of a batch as one graph without connections between them.

    Node n of graph b has the number b N + n. One more node, the last one, has features 0: padding starts and ends
    there, so that no layer needs a mask and an index is never out of range.

    Attributes:
        i: first node of every edge, (B E,).
        j: second node of every edge, (B E,).
        count: nodes including the last one, B N + 1.
        weight: the weight of every edge, (B E, 1), float32 or float64; None where all are 1.
        sound: whether all edges of a graph name nodes, (B,).
    """

    i: Tensor
    j: Tensor
    count: Any
    weight: Tensor
    sound: Tensor


def unite(
    layer: str, edges: Tensor, nodes: Tensor, *, loops: bool = True, edge_weight: Tensor | None = None
) -> GraphBatch:
    """Joins a batch of graphs.

    Args:
        layer: name of the layer that asks, for errors.
        edges: (B, E, 2); rows of -1 are padding.
        nodes: (B, N, C).
        loops: False makes edges (n, n) padding, too.
        edge_weight: (B, E) or None.

    Raises:
        ValueError: edges that are no integers, or, where their values are known, that name no node.
    """
    if "int" not in keras.backend.standardize_dtype(edges.dtype):
        raise ValueError(
            f"Layer {layer!r} expects edges of integer node numbers; got dtype {edges.dtype}: use astype('int32')."
        )
    batch, size = ops.shape(nodes)[0], ops.shape(nodes)[1]
    _check_values(layer, edges, size)
    if not (isinstance(size, int) and keras.backend.standardize_dtype(edges.dtype) == "int64"):
        edges = ops.cast(edges, "int32")  # else compared as they are: cast, a wrong number may turn into a right one
    i, j = edges[..., 0], edges[..., 1]
    low, high = ops.minimum(i, j), ops.maximum(i, j)
    valid = (low >= 0) & (high < size)
    sound = ops.all(valid | ((low == -1) & (high == -1)), axis=-1)
    if not loops:
        valid = valid & (i != j)
    # Counted, not `arange`: a batch of unknown size can be exported from every backend.
    offset = (ops.cumsum(ops.ones_like(nodes[:, 0, 0], dtype="int32")) - 1)[:, None] * size
    last = batch * size
    i, j = (ops.reshape(ops.where(valid, ops.cast(ends, "int32") + offset, last), (-1,)) for ends in (i, j))
    weight = None if edge_weight is None else ops.reshape(widened(edge_weight), (-1, 1))
    return GraphBatch(i, j, last + 1, weight, sound)


def _check_values(layer: str, edges: Tensor, size: Any) -> None:
    """Refuses edges that name no node, where numbers are at hand: not in compiled code, and not while exporting."""
    values = known(edges) if isinstance(size, int) else None
    if values is None:
        return
    try:
        check_edges(values, size)
    except ValueError as error:
        raise ValueError(f"Layer {layer!r}: {error}") from None


def say_nan(outputs: Tensor, graph: GraphBatch) -> Tensor:
    """Outputs (B, ., C), NaN for graphs with edges that name no node: compiled code can say it in no other way."""
    return ops.where(graph.sound[:, None, None], outputs, ops.cast(float("nan"), outputs.dtype))


def flatten(nodes: Tensor) -> Tensor:
    """(B, N, C) -> (B N + 1, C), with the last node's zeros."""
    flat = ops.reshape(nodes, (-1, nodes.shape[-1]))
    return ops.concatenate([flat, ops.zeros_like(flat[:1])], axis=0)


def unflatten(flat: Tensor, nodes: Tensor, graph: GraphBatch) -> Tensor:
    """(B N + 1, C') -> (B, N, C') for B and N of `nodes`; see `say_nan`."""
    batch, size = ops.shape(nodes)[:2]
    return say_nan(ops.reshape(flat[:-1], (batch, size, flat.shape[-1])), graph)


def sum_at(values: Tensor, ends: Tensor, count: Any) -> Tensor:
    """Sums the rows (of edges) that have the same end: (E, C) -> (count, C); the values are float32 or better."""
    if keras.backend.backend() == "torch":
        # Keras writes the index out for every channel there, which is many times slower and larger than the values.
        zeros = ops.zeros((count, *values.shape[1:]), dtype=values.dtype)
        index = ends.long().reshape(-1, *[1] * (values.ndim - 1)).expand_as(values)
        return zeros.scatter_add(0, index, values)
    # Reshaped so that the rank is known inside the branches of an exported condition, too.
    return ops.segment_sum(values, ops.reshape(ends, (-1,)), num_segments=count)


def weighted(values: Tensor, weights: Tensor) -> Tensor:
    """The product; None stands for weights of 1."""
    return values if weights is None else values * weights


def ones(graph: GraphBatch, dtype: str) -> Tensor:
    """What an edge counts for, (B E, 1): its weight, or 1."""
    if graph.weight is not None:
        return ops.cast(graph.weight, dtype)
    return ops.ones_like(graph.j, dtype=dtype)[:, None]


def inverse_degrees(graph: GraphBatch, dtype: str) -> Tensor:
    """1 / d of every node, (count, 1): d is 1 + the number, or the sum of the weights, of the edges that end there."""
    # The last node's own count is that of the padding, and nothing reads it.
    return 1 / (1 + sum_at(ones(graph, dtype), graph.j, graph.count))


def gcn_weights(graph: GraphBatch, normalization: str | None, dtype: str) -> Tensor:
    """1 / sqrt(d_i d_j) of every edge, (E, 1), or None without normalisation."""
    if normalization is None:
        return None
    root = ops.sqrt(inverse_degrees(graph, dtype))
    return ops.take(root, graph.i, axis=0) * ops.take(root, graph.j, axis=0)


def check_normalization(normalization: str | None) -> str | None:
    """Returns a known normalisation; a ValueError for another."""
    return check_choice("normalization", normalization, NORMALIZATIONS)


Shape = tuple[int | None, ...]


def check_shapes(
    layer: str,
    edges: Shape,
    *,
    nodes: Shape | None = None,
    flows: Shape | None = None,
    edge_weight: Shape | None = None,
) -> None:
    """Checks the edges' shape, that features are 3-D with a known width, and that all belong to the same graphs.

    Layers check in `build`, whose errors Keras leaves as they are, and in `call`, where shapes may be others.

    Args:
        layer: the layer's name.
        edges: shape of the edges.
        nodes: shape of features of nodes.
        flows: shape of features of edges.
        edge_weight: shape of the weights of edges.

    Raises:
        ValueError: a shape that does not fit; says which, and what to do where that is known.
    """
    if len(edges) != 3 or edges[-1] != 2:
        hint = " For one graph pass edges[None]." if len(edges) == 2 and edges[-1] == 2 else ""
        raise ValueError(f"Layer {layer!r} expects edges of shape (batch, edges, 2); got {tuple(edges)}.{hint}")
    for name, shape in {"nodes": nodes, "flows": flows}.items():
        if shape is not None and (len(shape) != 3 or shape[-1] is None):
            hint = f" For one graph pass {name}[None]." if len(shape) == 2 else ""
            raise ValueError(
                f"Layer {layer!r} expects {name} of shape (batch, number, channels) with known channels; got "
                f"{tuple(shape)}.{hint}"
            )
    if nodes is not None and differ(nodes[:1], edges[:1]):
        raise ValueError(
            f"Layer {layer!r} expects one list of edges for each graph; got nodes of shape {tuple(nodes)} and edges of "
            f"shape {tuple(edges)}."
        )
    if flows is not None and differ(flows[:2], edges[:2]):
        raise ValueError(
            f"Layer {layer!r} expects flows of shape (batch, edges, channels), one row for each of the edges of shape "
            f"{tuple(edges)}; got {tuple(flows)}."
        )
    if edge_weight is not None and (len(edge_weight) != 2 or differ(edge_weight, edges[:2])):
        raise ValueError(
            f"Layer {layer!r} expects edge_weight of shape (batch, edges), one number for each of the edges of shape "
            f"{tuple(edges)}; got {tuple(edge_weight)}."
        )


def differ(shape: Shape, other: Shape) -> bool:
    """Whether a side is known in both and not the same; while a model is exported, sides may be symbols."""
    return any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(shape, other, strict=True))


def shape_of(tensor: Tensor) -> Shape | None:
    """A tensor's static shape; None for None."""
    return None if tensor is None else tuple(tensor.shape)


def channels_spec(shape: Shape) -> keras.layers.InputSpec:
    """Lets Keras refuse another number of channels than that of `build`."""
    return keras.layers.InputSpec(axes={-1: shape[-1]})
