"""Which nodes of a padded batch of graphs are there."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph
from zoo.math.values import Tensor


@keras.saving.register_keras_serializable(package="zoo")
class NodeMask(keras.layers.Layer):
    """1 for nodes, 0 for padding: for nodes whose features are all 0 and that no edge names.

    So `zoo.math.pad_graphs` and `from_pyg` write padding. A node without features and edges counts as padding too: it
    says nothing but that it is there.

    Args:
        **kwargs: those of a Keras layer.

    Call arguments:
        nodes: features (B, N, C), before anything is computed from them.
        edges: integers (B, E, 2), rows (i, j); rows of -1 are padding.

    Output shape: (B, N), in the layer's compute dtype.

    Raises:
        ValueError: inputs of other shapes, or edges that name no node.

    Example:
        >>> mask = NodeMask()(keras.ops.eye(4, 2)[None], keras.ops.array([[[2, 0], [-1, -1]]]))
        >>> keras.ops.convert_to_numpy(mask).tolist()
        [[1.0, 1.0, 1.0, 0.0]]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]) -> None:
        """Checks the shapes."""
        _graph.check_shapes(self.name, edges_shape, nodes=nodes_shape)
        self.input_spec = _graph.channels_spec(nodes_shape)

    def call(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """Maps node features (B, N, C) to ones and zeros (B, N)."""
        _graph.check_shapes(self.name, edges.shape, nodes=nodes.shape)
        present = ops.any(nodes != 0, axis=-1)
        if edges.shape[1] != 0:
            graph = _graph.unite(self.name, edges, nodes)
            ones = _graph.ones(graph, "float32")
            ends = _graph.sum_at(ones, graph.i, graph.count) + _graph.sum_at(ones, graph.j, graph.count)
            present = ops.logical_or(present, ops.reshape(ends[:-1] > 0, ops.shape(nodes)[:2]))
        return ops.cast(present, self.compute_dtype)

    def compute_output_shape(
        self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        return nodes_shape[:2]
