"""The gradient of node features along the edges of a graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph
from zoo.layers._common import widened
from zoo.math.values import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class GraphGradient(keras.layers.Layer):
    """Differences of the features of the two nodes of every edge.

        (G x)[e] = w[e] (x[i] - x[j])        for the edge e = (i, j)

    Args:
        normalization: `"gcn"` for w = 1 / sqrt(d_i d_j) with d_n = 1 + the number of edges (m, n), m != n; None for
            w = 1.

    Call arguments:
        nodes: (B, N, C).
        edges: integers (B, E, 2), rows (i, j); rows of -1 are padding and give 0.
        edge_weight: (B, E), factors on top of the normalisation; optional.

    Output shape: (B, E, C).

    Raises:
        ValueError: an unknown normalisation or inputs of other shapes.

    Example:
        >>> GraphGradient()(keras.ops.ones((1, 3, 8)), keras.ops.array([[[0, 1], [1, 2]]])).shape
        (1, 2, 8)

    Source: Eliasof, Haber and Treister, PDE-GCN, NeurIPS 2021.
    """

    def __init__(self, normalization: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.normalization = _graph.check_normalization(normalization)

    def build(self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]) -> None:
        """Checks the shapes."""
        _graph.check_shapes(self.name, edges_shape, nodes=nodes_shape)
        self.input_spec = _graph.channels_spec(nodes_shape)

    def call(self, nodes: Tensor, edges: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Maps node features (B, N, C) to edge features (B, E, C)."""
        _graph.check_shapes(self.name, edges.shape, nodes=nodes.shape, edge_weight=_graph.shape_of(edge_weight))
        graph, flat = _graph.unite(self.name, edges, nodes), widened(_graph.flatten(nodes))
        outputs = ops.take(flat, graph.i, axis=0) - ops.take(flat, graph.j, axis=0)
        proper = _graph.unite(self.name, edges, nodes, loops=False)
        outputs = _graph.weighted(outputs, _graph.gcn_weights(proper, self.normalization, flat.dtype))
        outputs = ops.reshape(outputs, (*ops.shape(edges)[:2], nodes.shape[-1]))
        if edge_weight is not None:
            outputs = outputs * ops.cast(edge_weight, outputs.dtype)[..., None]
        return ops.cast(_graph.say_nan(outputs, graph), nodes.dtype)

    def compute_output_shape(
        self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        return (*edges_shape[:2], nodes_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "normalization": self.normalization}
