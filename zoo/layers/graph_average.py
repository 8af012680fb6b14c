"""Averages between the nodes and the edges of a graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph
from zoo.layers._common import widened
from zoo.math.values import Tensor, check_choice


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
        self.to = check_choice("to", to, ("edges", "nodes"))
        self.mode = check_choice("mode", mode, ("mean", "max"))
        if mode == "max" and to == "edges":
            raise ValueError('Expected `mode` to be "mean", or for to="nodes" also "max"; got "max" with to="edges".')

    def build(
        self,
        features_shape: tuple[int | None, ...],
        edges_shape: tuple[int | None, ...],
        nodes_shape: tuple[int | None, ...] | None = None,
    ) -> None:
        """Checks the shapes."""
        self._check(edges_shape, features_shape, nodes_shape)
        self.input_spec = _graph.channels_spec(features_shape)

    def _check(
        self,
        edges: _graph.Shape,
        features: _graph.Shape,
        nodes: _graph.Shape | None,
        weight: _graph.Shape | None = None,
    ) -> None:
        shapes = {"nodes": features} if self.to == "edges" else {"nodes": nodes, "flows": features}
        _graph.check_shapes(self.name, edges, edge_weight=weight, **shapes)

    def call(
        self, features: Tensor, edges: Tensor, nodes: Tensor | None = None, edge_weight: Tensor | None = None
    ) -> Tensor:
        """Maps features of nodes to edges or of edges to nodes."""
        if self.to == "nodes" and nodes is None:
            raise ValueError(f"Layer {self.name!r} expects `nodes`, to know how many there are; got None.")
        self._check(edges.shape, features.shape, _graph.shape_of(nodes), _graph.shape_of(edge_weight))
        values = widened(features)
        if edge_weight is not None:
            edge_weight = ops.cast(edge_weight, values.dtype)[..., None]
        if self.to == "nodes":
            outputs = self._to_nodes(_graph.weighted(values, edge_weight), edges, nodes)
        else:
            outputs = _graph.weighted(self._to_edges(values, edges), edge_weight)
        return ops.cast(outputs, features.dtype)

    def _to_edges(self, features: Tensor, edges: Tensor) -> Tensor:
        graph, flat = _graph.unite(self.name, edges, features), _graph.flatten(features)
        outputs = (ops.take(flat, graph.i, axis=0) + ops.take(flat, graph.j, axis=0)) / 2
        return _graph.say_nan(ops.reshape(outputs, (*ops.shape(edges)[:2], features.shape[-1])), graph)

    def _to_nodes(self, features: Tensor, edges: Tensor, nodes: Tensor) -> Tensor:
        graph, flat = _graph.unite(self.name, edges, nodes), ops.reshape(features, (-1, features.shape[-1]))
        first, second = (_graph.sum_at(flat, ends, graph.count) for ends in (graph.i, graph.j))
        outputs = ops.maximum(first, second) if self.mode == "max" else (first + second) / 2
        return _graph.unflatten(outputs, nodes, graph)

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
