"""Averages between the nodes and the edges of a graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph


@keras.saving.register_keras_serializable(package="zoo")
class GraphAverage(keras.layers.Layer):
    """Carries node features to the edges, or edge features to the nodes.

        to="edges":  (A x)[e]   = w[e] (x[i] + x[j]) / 2                                  for the edge e = (i, j)
        to="nodes":  (A^T q)[n] = (sum over e = (n, j) of w[e] q[e] + sum over e = (i, n) of w[e] q[e]) / 2

    The second is the adjoint of the first, a sum and not a mean: nothing is divided by a degree. With
    `mode="max"` it takes the larger of the two sums instead of half of both.

    Args:
        to: `"edges"` or `"nodes"`.
        mode: `"mean"`, or for `to="nodes"` also `"max"`.

    Call arguments:
        features: (B, N, C) of nodes for `to="edges"`; (B, E, C) of edges for `to="nodes"`.
        edges: integers (B, E, 2), rows (i, j); rows of -1 are padding and count for nothing.
        nodes: (B, N, anything), only its shape is used; for `to="nodes"`.
        edge_weight: (B, E), w; 1 by default.

    Output shape: (B, E, C) or (B, N, C).

    Raises:
        ValueError: an unknown target or mode, inputs of other shapes, or no nodes where they are needed.

    Example:
        >>> GraphAverage()(keras.ops.ones((1, 3, 8)), keras.ops.array([[[0, 1], [1, 2]]])).shape
        (1, 2, 8)

    Source: Eliasof, Haber and Treister, PDE-GCN, NeurIPS 2021; the authors' code.
    """

    def __init__(self, to: str = "edges", *, mode: str = "mean", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if to not in ("edges", "nodes"):
            raise ValueError(f'`to` must be "edges" or "nodes"; got {to!r}.')
        if mode not in ("mean", "max") or (mode == "max" and to == "edges"):
            raise ValueError(f'`mode` must be "mean" or, for to="nodes", "max"; got {mode!r} with to={to!r}.')
        self.to = to
        self.mode = mode

    def build(
        self,
        features_shape: tuple[int | None, ...],
        edges_shape: tuple[int | None, ...],
        nodes_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        """Checks the shapes."""
        self._check(edges_shape, features_shape, nodes_shape)

    def _check(
        self,
        edges: _graph.Shape,
        features: _graph.Shape,
        nodes: _graph.Shape | None,
        weight: _graph.Shape | None = None,
    ) -> None:
        shapes = {"nodes": features} if self.to == "edges" else {"nodes": nodes, "flows": features}
        _graph.check_shapes(self.name, edges, edge_weight=weight, **shapes)

    def call(self, features: Any, edges: Any, nodes: Any = None, edge_weight: Any = None) -> Any:
        """Maps features of nodes to edges or of edges to nodes."""
        if self.to == "nodes" and nodes is None:
            raise ValueError(f"Layer {self.name!r} needs `nodes`, to know how many there are.")
        self._check(edges.shape, features.shape, _graph.shape_of(nodes), _graph.shape_of(edge_weight))
        if edge_weight is not None:
            edge_weight = ops.cast(edge_weight, features.dtype)[..., None]
        if self.to == "nodes":
            return self._to_nodes(features if edge_weight is None else features * edge_weight, edges, nodes)
        graph, flat = _graph.unite(edges, features), _graph.flatten(features)
        outputs = (ops.take(flat, graph.i, axis=0) + ops.take(flat, graph.j, axis=0)) / 2
        outputs = ops.reshape(outputs, (*ops.shape(edges)[:2], features.shape[-1]))
        return outputs if edge_weight is None else outputs * edge_weight

    def _to_nodes(self, features: Any, edges: Any, nodes: Any) -> Any:
        graph, flat = _graph.unite(edges, nodes), ops.reshape(features, (-1, features.shape[-1]))
        first, second = (_graph.sum_at(flat, ends, graph.count) for ends in (graph.i, graph.j))
        return _graph.unflatten(ops.maximum(first, second) if self.mode == "max" else (first + second) / 2, nodes)

    def compute_output_shape(
        self,
        features_shape: tuple[int | None, ...],
        edges_shape: tuple[int | None, ...],
        nodes_shape: tuple[int | None, ...] | None = None,
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        rows = edges_shape[:2] if self.to == "edges" or nodes_shape is None else nodes_shape[:2]
        return (*rows, features_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "to": self.to, "mode": self.mode}
