"""What the graph layers share: a batch of graphs as one, and sums over the edges of a node."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

NORMALIZATIONS = ("gcn", None)


class Union(NamedTuple):
    """The graphs of a batch as one graph without connections between them.

    Node n of graph b has the number b N + n. One more node, the last one, has features 0: padding starts and ends
    there, so that no layer needs a mask and an index is never out of range.

    Attributes:
        i: first node of every edge, (B E,).
        j: second node of every edge, (B E,).
        count: nodes including the last one, B N + 1.
    """

    i: Any
    j: Any
    count: Any


def unite(edges: Any, nodes: Any, *, loops: bool = True) -> Union:
    """Joins a batch of graphs.

    Args:
        edges: (B, E, 2); rows with an index outside 0 to N - 1 are padding.
        nodes: (B, N, C).
        loops: False makes edges (n, n) padding, too.
    """
    if "int" not in keras.backend.standardize_dtype(edges.dtype):
        raise ValueError(f"Expected integer node numbers in the edges; got dtype {edges.dtype}.")
    edges = ops.cast(edges, "int32")
    batch, size = ops.shape(nodes)[0], ops.shape(nodes)[1]
    i, j = edges[..., 0], edges[..., 1]
    valid = (ops.minimum(i, j) >= 0) & (ops.maximum(i, j) < size)
    if not loops:
        valid = valid & (i != j)
    # Counted, not `arange`: a batch of unknown size can be exported from every backend.
    offset = (ops.cumsum(ops.ones_like(nodes[:, 0, 0], dtype="int32")) - 1)[:, None] * size
    last = batch * size
    i, j = (ops.reshape(ops.where(valid, ends + offset, last), (-1,)) for ends in (i, j))
    return Union(i, j, last + 1)


def flatten(nodes: Any) -> Any:
    """(B, N, C) -> (B N + 1, C), with the last node's zeros."""
    flat = ops.reshape(nodes, (-1, nodes.shape[-1]))
    return ops.concatenate([flat, ops.zeros_like(flat[:1])], axis=0)


def unflatten(flat: Any, nodes: Any) -> Any:
    """(B N + 1, C') -> (B, N, C') for B and N of `nodes`."""
    batch, size = ops.shape(nodes)[:2]
    return ops.reshape(flat[:-1], (batch, size, flat.shape[-1]))


def sum_at(values: Any, ends: Any, count: Any) -> Any:
    """Sums the rows (of edges) that have the same end: (E, C) -> (count, C)."""
    if keras.backend.backend() == "torch":
        # Keras writes the index out for every channel there, which is many times slower and larger than the values.
        zeros = ops.zeros((count, *values.shape[1:]), dtype=values.dtype)
        index = ends.long().reshape(-1, *[1] * (values.ndim - 1)).expand_as(values)
        return zeros.scatter_add(0, index, values)
    # Reshaped so that the rank is known inside the branches of an exported condition, too.
    return ops.segment_sum(values, ops.reshape(ends, (-1,)), num_segments=count)


def wide(dtype: str) -> str:
    """The dtype to count in: Keras's own promotion takes float64 for float32 on some backends."""
    return "float64" if keras.backend.standardize_dtype(dtype) == "float64" else "float32"


def inverse_degrees(graph: Union, dtype: str) -> Any:
    """1 / d of every node, (count, 1): d is 1 + the number of edges that end there.

    Counted in float32 or better: 16 bits count no further than some hundreds.
    """
    ends = sum_at(ops.ones_like(graph.j, dtype=wide(dtype))[:, None], graph.j, graph.count)
    # The last node's own count is that of the padding, and nothing reads it.
    return ops.cast(1 / (1 + ends), dtype)


def edge_weights(graph: Union, normalization: str | None, dtype: str) -> Any:
    """The weight of every edge, (E, 1), or None where all are 1."""
    if normalization is None:
        return None
    root = ops.sqrt(inverse_degrees(graph, dtype))
    return ops.take(root, graph.i, axis=0) * ops.take(root, graph.j, axis=0)


def check_normalization(normalization: str | None) -> str | None:
    """Returns a known normalisation; a ValueError for another."""
    if normalization not in NORMALIZATIONS:
        raise ValueError(f'`normalization` must be "gcn" or None; got {normalization!r}.')
    return normalization


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
    if nodes is not None and _differ(nodes[:1], edges[:1]):
        raise ValueError(
            f"Layer {layer!r} expects one list of edges for each graph; got nodes of shape {tuple(nodes)} and edges of "
            f"shape {tuple(edges)}."
        )
    if flows is not None and _differ(flows[:2], edges[:2]):
        raise ValueError(
            f"Layer {layer!r} expects flows of shape (batch, edges, channels), one row for each of the edges of shape "
            f"{tuple(edges)}; got {tuple(flows)}."
        )
    if edge_weight is not None and (len(edge_weight) != 2 or _differ(edge_weight, edges[:2])):
        raise ValueError(
            f"Layer {layer!r} expects edge_weight of shape (batch, edges), one number for each of the edges of shape "
            f"{tuple(edges)}; got {tuple(edge_weight)}."
        )


def _differ(shape: Shape, other: Shape) -> bool:
    """Whether a side is known in both and not the same; while a model is exported, sides may be symbols."""
    return any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in zip(shape, other, strict=True))


def shape_of(tensor: Any) -> Shape | None:
    """A tensor's static shape; None for None."""
    return None if tensor is None else tuple(tensor.shape)
