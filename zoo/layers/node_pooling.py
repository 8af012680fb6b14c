"""Pooling over the nodes of a graph: from features of nodes to those of the whole graph."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph
from zoo.layers._common import widened
from zoo.math.values import Tensor, check_choice

MODES = ("max", "mean", "sum")


@keras.saving.register_keras_serializable(package="zoo")
class NodePooling(keras.layers.Layer):
    """Maximum, mean or sum of the features of the nodes of each graph; padding counts for nothing.

    Args:
        mode: `"max"`, `"mean"` or `"sum"`; sums are taken in float32 or better.

    Call arguments:
        nodes: (B, N, C).
        node_mask: (B, N), 0 for padding, as of `NodeMask` or `zoo.math.pad_graphs`; None counts all nodes. A graph
            without any node gives zeros.

    Output shape: (B, C).

    Raises:
        ValueError: an unknown mode, or inputs of other shapes.

    Example:
        >>> NodePooling("mean")(keras.ops.ones((2, 5, 8))).shape
        (2, 8)
    """

    def __init__(self, mode: str = "max", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = check_choice("mode", mode, MODES)

    def build(self, nodes_shape: tuple[int | None, ...]) -> None:
        """Fixes the number of channels."""
        self._check(nodes_shape, None)
        self.input_spec = _graph.channels_spec(nodes_shape)

    def _check(self, nodes: _graph.Shape, mask: _graph.Shape | None) -> None:
        if len(nodes) != 3 or nodes[-1] is None:
            raise ValueError(
                f"Layer {self.name!r} expects nodes of shape (batch, nodes, channels) with known channels; got {nodes}."
            )
        if mask is not None and (len(mask) != 2 or _graph.differ(mask, nodes[:2])):
            raise ValueError(
                f"Layer {self.name!r} expects node_mask of shape (batch, nodes) for nodes of shape {nodes}; got {mask}."
            )

    def call(self, nodes: Tensor, node_mask: Tensor | None = None) -> Tensor:
        """Maps node features (B, N, C) to (B, C)."""
        self._check(tuple(nodes.shape), _graph.shape_of(node_mask))
        values = widened(nodes)
        if node_mask is None:
            node_mask = ops.ones_like(values[..., 0])
        present = ops.cast(node_mask, "bool")[..., None]
        if self.mode == "max":
            largest = ops.amax(ops.where(present, values, ops.cast(float("-inf"), values.dtype)), axis=1)
            pooled = ops.where(ops.any(present, axis=1), largest, ops.zeros_like(largest))
        else:
            pooled = ops.sum(ops.where(present, values, ops.zeros_like(values)), axis=1)
            if self.mode == "mean":
                pooled = pooled / ops.maximum(ops.sum(ops.cast(present, values.dtype), axis=1), 1)
        return ops.cast(pooled, nodes.dtype)

    def compute_output_shape(self, nodes_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Shape of the output for an input shape."""
        return (nodes_shape[0], nodes_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "mode": self.mode}
