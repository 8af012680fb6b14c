"""The adjoint of the graph gradient: what flows out of every node."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph
from zoo.layers._common import widened
from zoo.math.values import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class GraphDivergence(keras.layers.Layer):
    """Sums what leaves every node along its edges, minus what arrives.

        (G^T q)[n] = sum over e = (n, j) of w[e] q[e]  -  sum over e = (i, n) of w[e] q[e]

    It is the exact adjoint of `GraphGradient` with the same arguments: <G x, q> = <x, G^T q>. On a grid it is minus
    the divergence. The sum over all nodes is 0.

    Args:
        normalization: `"gcn"` or None, as in `GraphGradient`.

    Call arguments:
        flows: (B, E, C).
        edges: integers (B, E, 2), rows (i, j); rows of -1 are padding and count for nothing.
        nodes: (B, N, anything); only its shape is used.
        edge_weight: (B, E), factors on top of the normalisation; optional.

    Output shape: (B, N, C).

    Raises:
        ValueError: an unknown normalisation or inputs of other shapes.

    Example:
        >>> nodes, edges = keras.ops.ones((1, 3, 8)), keras.ops.array([[[0, 1], [1, 2]]])
        >>> GraphDivergence()(keras.ops.ones((1, 2, 8)), edges, nodes).shape
        (1, 3, 8)

    Source: Eliasof, Haber and Treister, PDE-GCN, NeurIPS 2021.
    """

    def __init__(self, normalization: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.normalization = _graph.check_normalization(normalization)

    def build(
        self,
        flows_shape: tuple[int | None, ...],
        edges_shape: tuple[int | None, ...],
        nodes_shape: tuple[int | None, ...],
    ) -> None:
        """Checks the shapes."""
        _graph.check_shapes(self.name, edges_shape, flows=flows_shape, nodes=nodes_shape)
        self.input_spec = _graph.channels_spec(flows_shape)

    def call(self, flows: Tensor, edges: Tensor, nodes: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Maps edge features (B, E, C) to node features (B, N, C)."""
        weight_shape = _graph.shape_of(edge_weight)
        _graph.check_shapes(self.name, edges.shape, flows=flows.shape, nodes=nodes.shape, edge_weight=weight_shape)
        graph, flat = _graph.unite(self.name, edges, nodes), widened(flows)
        if edge_weight is not None:
            flat = flat * ops.cast(edge_weight, flat.dtype)[..., None]
        flat = ops.reshape(flat, (-1, flows.shape[-1]))
        proper = _graph.unite(self.name, edges, nodes, loops=False)
        flat = _graph.weighted(flat, _graph.gcn_weights(proper, self.normalization, flat.dtype))
        sums = _graph.sum_at(flat, graph.i, graph.count) - _graph.sum_at(flat, graph.j, graph.count)
        return ops.cast(_graph.unflatten(sums, nodes, graph), flows.dtype)

    def compute_output_shape(
        self,
        flows_shape: tuple[int | None, ...],
        edges_shape: tuple[int | None, ...],
        nodes_shape: tuple[int | None, ...],
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        return (*nodes_shape[:2], flows_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "normalization": self.normalization}
