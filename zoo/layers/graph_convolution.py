"""The graph convolution of Kipf and Welling: the usual baseline."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.layers import _graph


@keras.saving.register_keras_serializable(package="zoo")
class GraphConvolution(keras.layers.Layer):
    """Mixes the features of every node with those of its neighbours.

        out[n] = sum over e = (m, n) of x[m] W / sqrt(d_m d_n)  +  x[n] W / d_n  +  b

    with d_n = 1 + the number of edges (m, n), m != n. Loops in the list are replaced by one on every node.

    Args:
        units: channels of the output.
        use_bias: add b.

    Call arguments:
        nodes: (B, N, C).
        edges: integers (B, E, 2), rows (m, n); rows of -1 are padding.

    Output shape: (B, N, units). Weights: `kernel` (C, units), `bias` (units,).

    Raises:
        ValueError: `units` is not a positive integer, or inputs of other shapes.

    Example:
        >>> GraphConvolution(4)(keras.ops.ones((1, 3, 8)), keras.ops.array([[[0, 1], [1, 0]]])).shape
        (1, 3, 4)

    Source: Kipf and Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017.
    """

    def __init__(self, units: int, *, use_bias: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(units, int) or units < 1:
            raise ValueError(f"`units` must be a positive integer; got {units!r}.")
        self.units = units
        self.use_bias = use_bias

    def build(self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]) -> None:
        """Creates the kernel for the number of channels."""
        _graph.check_shapes(self.name, edges_shape, nodes=nodes_shape)
        self.input_spec = keras.layers.InputSpec(axes={-1: nodes_shape[-1]})
        self.kernel = self.add_weight(name="kernel", shape=(nodes_shape[-1], self.units), initializer="glorot_uniform")
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, nodes: Any, edges: Any) -> Any:
        """Maps node features (B, N, C) to (B, N, units)."""
        _graph.check_shapes(self.name, edges.shape, nodes=nodes.shape)
        x = ops.matmul(_graph.flatten(nodes), self.kernel)
        if edges.shape[1] != 0:
            graph = _graph.unite(edges, nodes, loops=False)
            root = ops.sqrt(_graph.inverse_degrees(graph, x.dtype))
            x = root * x
            x = root * (x + _graph.sum_at(ops.take(x, graph.i, axis=0), graph.j, graph.count))
        x = _graph.unflatten(x, nodes)
        return x + self.bias if self.use_bias else x

    def compute_output_shape(
        self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        return (*nodes_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {**super().get_config(), "units": self.units, "use_bias": self.use_bias}
