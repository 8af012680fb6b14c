"""The graph convolution of Kipf and Welling: the usual baseline."""

from __future__ import annotations

from typing import Any

import keras
from keras import activations, ops

from zoo.layers import _graph, _weights
from zoo.layers._common import widened, with_bias
from zoo.layers._graph_sums import Edges
from zoo.math.values import Tensor, check_whole


@keras.saving.register_keras_serializable(package="zoo")
class GraphConvolution(keras.layers.Layer):
    """Mixes the features of every node with those of its neighbours.

        out[n] = sum over e = (m, n) of a[e] x[m] W / sqrt(d_m d_n)  +  x[n] W / d_n  +  b

    with d_n = 1 + the sum of a[e] over the edges e = (m, n), m != n. Loops in the list are replaced by one of weight 1
    on every node. An edge of weight 2 is the same as two edges, and one of weight 0 as none.

    Args:
        units: channels of the output.
        activation: applied to every number; None for none.
        use_bias: add b.
        kernel_initializer: of W.
        bias_initializer: of b.
        kernel_regularizer: of W.
        bias_regularizer: of b.
        kernel_constraint: of W.
        bias_constraint: of b.

    Call arguments:
        nodes: (B, N, C).
        edges: integers (B, E, 2), rows (m, n); rows of -1 are padding.
        edge_weight: (B, E), the weights a; 1 by default. Where they make a d_n of 0 or below, outputs are NaN.

    Output shape: (B, N, units). Weights: `kernel` (C, units), `bias` (units,).

    Raises:
        ValueError: `units` is not a positive integer, inputs of other shapes, or edges that name no node. In compiled
            code, which sees no values, outputs of such a graph are NaN.

    Example:
        >>> GraphConvolution(4)(keras.ops.ones((1, 3, 8)), keras.ops.array([[[0, 1], [1, 0]]])).shape
        (1, 3, 4)

    Source: Kipf and Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017.
    """

    def __init__(
        self,
        units: int,
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = check_whole("units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        _weights.keep(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        _weights.keep(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]) -> None:
        """Creates the kernel for the number of channels."""
        _graph.check_shapes(self.name, edges_shape, nodes=nodes_shape)
        self.input_spec = _graph.channels_spec(nodes_shape)
        kernel, bias = _weights.options(self, "kernel"), _weights.options(self, "bias")
        self.kernel = self.add_weight(name="kernel", shape=(nodes_shape[-1], self.units), **kernel)
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), **bias)

    def call(self, nodes: Tensor, edges: Tensor, edge_weight: Tensor | None = None) -> Tensor:
        """Maps node features (B, N, C) to (B, N, units)."""
        _graph.check_shapes(self.name, edges.shape, nodes=nodes.shape, edge_weight=_graph.shape_of(edge_weight))
        if edges.shape[1] == 0:
            outputs = ops.matmul(nodes, self.kernel)
        else:
            outputs = self._mix(ops.matmul(_graph.flatten(nodes), self.kernel), nodes, edges, edge_weight)
        outputs = with_bias(outputs, self.bias) if self.use_bias else outputs
        return outputs if _weights.is_linear(self) else self.activation(outputs)

    def _mix(self, products: Tensor, nodes: Tensor, edges: Tensor, edge_weight: Tensor) -> Tensor:
        """Sums over neighbours, in float32 or better."""
        graph = _graph.unite(self.name, edges, nodes, loops=False, edge_weight=edge_weight)
        x = widened(products)
        root = ops.sqrt(_graph.inverse_degrees(graph, x.dtype))
        x = root * x
        x = root * (x + Edges(graph, x).neighbours(x, reverse=True))
        return ops.cast(_graph.unflatten(x, nodes, graph), products.dtype)

    def compute_output_shape(
        self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        return (*nodes_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **_weights.config(self, "kernel", "bias"),
        }
