"""Layers of a graph network that are time steps of a diffusion or wave equation."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import _backends
from zoo.layers import _energies, _graph
from zoo.layers._common import widened
from zoo.layers._graph_sums import Edges
from zoo.math import max_step_size, spectral_bound
from zoo.math.values import Tensor, check_choice, check_number, check_seed, check_whole

KINDS = ("diffusive", "hyperbolic", "mixed")


@keras.saving.register_keras_serializable(package="zoo")
class PDEGCNBlock(keras.layers.Layer):
    """`depth` time steps of a partial differential equation on a graph.

        F_l(x) = G^T s(G x K_l) K_l^T                        s the activation, G the graph's gradient
        diffusive    x <- x - h F_l(x)
        hyperbolic   x <- 2 x - x_old - h^2 F_l(x)           x_old = x before the first step
        mixed        x <- (2 b x - b x_old + a x - F_l(x)) / (a + b)
                     with a = (1 - m) / h,  b = m / h^2,  m = sigmoid(alpha)

    G is that of `GraphGradient`, G^T that of `GraphDivergence`. The kernels K_l (C, C) start near the identity. Weights
    a[e] of edges multiply the flows, F_l(x) = G^T (a s(G x K_l)) K_l^T, and the degrees of the normalisation are then
    1 + the sum of the weights: an edge of weight 2 is the same as two edges, and one of weight 0 as none. All is
    computed in float32 or better, whatever the policy.

    Where each edge stands beside its reverse in the list, edges 2k and 2k + 1 (`zoo.math.to_undirected` and
    `zoo.math.pair_edges` write it so), the two carry g and -g, and relu(a) - relu(-a) = a: the ReLU cancels, and F_l(x)
    is the graph's Laplacian times x K_l K_l^T, with no tensor on the edges but one gathering. For tanh one edge of each
    pair is enough. The block takes these short cuts, which are exact, by itself; edge dropout, which treats the two
    directions differently, prevents them in training.

    Args:
        depth: number of steps.
        kind: `"diffusive"`, `"hyperbolic"` or `"mixed"`.
        step_size: h. Larger than `zoo.math.max_step_size` allows, the steps blow up.
        activation: `"relu"` or `"tanh"`.
        edge_dropout: fraction of the entries of G x dropped in training, each direction of an edge for itself; in
            steps of 1 / 65536.
        normalization: `"gcn"` or None, as in `GraphGradient`.
        share_alpha: one alpha for all steps, else one for each; it exists for `"mixed"` only.
        double: two kernels a step, with tanh: s(s(s(s(s(G x) K) L) L^T) K^T) in the place of s(G x K) K^T.
        paired: None looks at every list whether it is in pairs; True takes this for granted, and results are wrong
            where it is not so, or the two have different weights; False never uses it.
        concatenate: return the features after all steps, concatenated, instead of those after the last.
        seed: of the dropout.

    Call arguments:
        nodes: (B, N, C).
        edges: integers (B, E, 2), rows (i, j); rows of -1 are padding. For a diffusion in the usual sense list both
            directions: in a list with one, the layer with a ReLU depends on which.
        edge_weight: (B, E), the weights a; 1 by default.

    Output shape: (B, N, C), or (B, N, depth * C) with `concatenate`.

    Weights: `kernel` (depth, C, C), with `double` also `kernel2`; `alpha` (1,) or (depth,) for `"mixed"`.

    Raises:
        ValueError: an argument that is not one of those above, inputs of other shapes, or edges that name no node. In
            compiled code, which sees no values, outputs of such a graph are NaN.

    Example:
        >>> block = PDEGCNBlock(8, step_size=2.0)
        >>> block(keras.ops.ones((1, 3, 16)), keras.ops.array([[[0, 1], [1, 0]]])).shape
        (1, 3, 16)

    Source: Eliasof, Haber and Treister, PDE-GCN: Novel Architectures for Graph Neural Networks Motivated by Partial
    Differential Equations, NeurIPS 2021; formulas and start of the kernels as in the authors' code.
    """

    def __init__(
        self,
        depth: int,
        kind: str = "diffusive",
        *,
        step_size: float = 1.0,
        activation: str = "relu",
        edge_dropout: float = 0.0,
        normalization: str | None = "gcn",
        share_alpha: bool = True,
        double: bool = False,
        paired: bool | None = None,
        concatenate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.depth = check_whole("depth", depth)
        self.kind = check_choice("kind", kind, KINDS)
        self.step_size = check_number("step_size", step_size, above=0)
        self.activation = check_choice("activation", activation, ("relu", "tanh"))
        self.edge_dropout = check_number("edge_dropout", edge_dropout, least=0, below=1)
        if double and activation != "tanh":
            raise ValueError(f'Expected activation="tanh" with `double`; got {activation!r}.')
        self.normalization = _graph.check_normalization(normalization)
        self.share_alpha = share_alpha
        self.double = double
        self.paired = paired
        self.concatenate = concatenate
        self.seed = check_seed(seed)
        self.seed_generator = keras.random.SeedGenerator(self.seed) if edge_dropout else None

    def build(self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]) -> None:
        """Creates the kernels for the number of channels."""
        _graph.check_shapes(self.name, edges_shape, nodes=nodes_shape)
        self.input_spec = _graph.channels_spec(nodes_shape)
        shape = (self.depth, nodes_shape[-1], nodes_shape[-1])
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=_near_identity)
        if self.double:
            self.kernel2 = self.add_weight(name="kernel2", shape=shape, initializer=_near_identity)
        if self.kind == "mixed":
            count = 1 if self.share_alpha else self.depth
            self.alpha = self.add_weight(name="alpha", shape=(count,), initializer="zeros")

    def call(self, nodes: Tensor, edges: Tensor, edge_weight: Tensor | None = None, training: bool = False) -> Tensor:
        """Maps node features (B, N, C) to (B, N, C) or (B, N, depth * C)."""
        _graph.check_shapes(self.name, edges.shape, nodes=nodes.shape, edge_weight=_graph.shape_of(edge_weight))
        if edges.shape[1] == 0:  # nothing flows; compilers object to what would be computed from no edges
            return ops.concatenate([nodes] * self.depth, axis=-1) if self.concatenate else nodes
        graph = _graph.unite(self.name, edges, nodes, loops=False, edge_weight=edge_weight)
        x = widened(_graph.flatten(nodes))

        def general() -> Tensor:
            return self._steps(x, self._general_flow(graph, x, training))

        def paired() -> Tensor:
            short_cut = self._odd_flow if self.activation == "tanh" else self._linear_flow
            return self._steps(x, short_cut(graph, x))

        if self.paired is False or (training and self.edge_dropout):
            outputs = general()
        else:
            outputs = paired() if self.paired else ops.cond(_is_paired(graph), paired, general)
        return ops.cast(_graph.unflatten(outputs, nodes, graph), nodes.dtype)

    def _steps(self, x: Tensor, flow: Any) -> Tensor:
        """All time steps; `flow(x, l)` is F_l(x)."""
        states, old = [], x
        for layer in range(self.depth):
            x, old = self._advance(x, old, flow(x, layer), layer), x
            states.append(ops.reshape(x, (-1, self.kernel.shape[-1])))  # a shape that converters to ONNX can see
        return ops.concatenate(states, axis=-1) if self.concatenate else x

    def _advance(self, x: Tensor, old: Tensor, flow: Any, layer: int) -> Tensor:
        h = self.step_size
        if self.kind == "diffusive":
            return x - h * flow
        if self.kind == "hyperbolic":
            return 2 * x - old - h**2 * flow
        share = ops.sigmoid(widened(ops.convert_to_tensor(self.alpha))[0 if self.share_alpha else layer])
        diffusion, wave = (1 - share) / h, share / h**2
        return x + (wave * (x - old) - flow) / (diffusion + wave)

    def _general_flow(self, graph: _graph.GraphBatch, x: Tensor, training: bool) -> Any:
        """F for any list. Products are taken on nodes, of which there are fewer than edges, wherever that is equal."""
        edges = Edges(graph, x)
        keep = 1 - self.edge_dropout if training else 1.0
        inner, outer = self._factors(graph, edges, x.dtype, keep)

        def flow(x: Tensor, layer: int) -> Tensor:
            kernel = self._wide(self.kernel)[layer]
            on_edges = keep < 1 or self.double
            flows = _graph.weighted(edges.differences(x if on_edges else x @ kernel), inner)
            if keep < 1:
                flows = flows * _backends.random_mask(flows, keep, self.seed_generator)
            if on_edges and not self.double:
                flows = flows @ kernel
            flows = self._double(flows, layer) if self.double else self._activate(flows)
            sums = edges.divergence(_graph.weighted(flows, outer))
            return sums if self.double else sums @ ops.transpose(kernel)

        return flow

    def _linear_flow(self, graph: _graph.GraphBatch, x: Tensor) -> Any:
        """F where the ReLU cancels: the Laplacian, sum over e = (n, j) of w^2 (x[n] - x[j]), times K K^T.

        The squared gcn weights are products c[i] c[j], so that they multiply nodes, not edges.
        """
        kernel, edges = self._wide(self.kernel), Edges(graph, x, symmetric=True)
        products = kernel @ ops.transpose(kernel, (0, 2, 1))
        if self.normalization is None:
            total, scale = edges.neighbours(ops.ones_like(x[:, :1])), None
        else:
            scale = _graph.inverse_degrees(graph, x.dtype)
            total = scale * edges.neighbours(scale)

        def flow(x: Tensor, layer: int) -> Tensor:
            arriving = edges.neighbours(_graph.weighted(x, scale))
            return (total * x - _graph.weighted(arriving, scale)) @ products[layer]

        return flow

    def _odd_flow(self, graph: _graph.GraphBatch, x: Tensor) -> Any:
        """F for an odd activation and a list in pairs: twice that of every other edge."""
        weight = None if graph.weight is None else graph.weight[::2]
        edges = Edges(graph._replace(i=graph.i[::2], j=graph.j[::2], weight=weight), x)
        inner, outer = self._factors(graph, edges, x.dtype)

        def flow(x: Tensor, layer: int) -> Tensor:
            kernel = self._wide(self.kernel)[layer]
            if self.double:
                flows = self._double(_graph.weighted(edges.differences(x), inner), layer)
            else:
                flows = self._activate(_graph.weighted(edges.differences(x @ kernel), inner))
            sums = 2 * edges.divergence(_graph.weighted(flows, outer))
            return sums if self.double else sums @ ops.transpose(kernel)

        return flow

    def _factors(self, graph: _graph.GraphBatch, edges: Edges, dtype: str, keep: float = 1.0) -> tuple[Tensor, Tensor]:
        """What multiplies every edge before and after the activation, (E, 1) or a number; None for 1.

        The gcn weight comes on both sides, the weight of the edge and of what a dropout keeps on one. A positive
        factor passes through a ReLU, so that there all of them come after it.
        """
        inner = outer = None
        if self.normalization is not None:
            root = ops.sqrt(_graph.inverse_degrees(graph, dtype))
            inner = outer = ops.take(root, edges.graph.i, axis=0) * ops.take(root, edges.graph.j, axis=0)
        if keep < 1:
            inner = 1 / keep if inner is None else inner / keep
        if self.activation == "relu" and inner is not None:
            inner, outer = None, inner if outer is None else inner * outer
        weight = edges.graph.weight
        if weight is not None:
            outer = ops.cast(weight, dtype) if outer is None else outer * ops.cast(weight, dtype)
        return inner, outer

    def _wide(self, kernel: Tensor) -> Tensor:
        return widened(ops.convert_to_tensor(kernel))

    def _activate(self, x: Tensor) -> Tensor:
        return ops.relu(x) if self.activation == "relu" else ops.tanh(x)

    def _double(self, gradient: Tensor, layer: int) -> Tensor:
        """The network on the edges with two kernels there and back."""
        first, second = self._wide(self.kernel)[layer], self._wide(self.kernel2)[layer]
        flows = self._activate(gradient)
        for kernel in (first, second, ops.transpose(second), ops.transpose(first)):
            flows = self._activate(flows @ kernel)
        return flows

    def compute_output_shape(
        self, nodes_shape: tuple[int | None, ...], edges_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        """Shape of the output for input shapes."""
        channels = nodes_shape[-1]
        return (*nodes_shape[:-1], channels * self.depth if channels and self.concatenate else channels)

    def energies(self, nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """The energy after each step for one graph: see `zoo.evaluation.graph_energy`."""
        return _energies.energies(self, nodes, edges)

    def states(self, nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """The nodes of one graph before the first step and after each, (depth + 1, N, C)."""
        return _energies.states(self, nodes, edges)

    def stable_step(self, edges: np.ndarray, nodes: int) -> float:
        """The largest stable step on a graph of so many nodes, for the layer's largest kernel."""
        kernel = np.asarray(ops.convert_to_numpy(self.kernel))
        bound = spectral_bound(edges, nodes, normalization=self.normalization, activation=self.activation)
        largest = np.linalg.norm(kernel, 2, axis=(1, 2)).max()
        mixed = self.kind == "mixed"
        share = float(1 / (1 + np.exp(-ops.convert_to_numpy(self.alpha)).max())) if mixed else 0.5
        return max_step_size(bound, self.kind, kernel_norm=float(largest), wave_share=share)

    def get_config(self) -> dict[str, Any]:
        """Arguments that rebuild the layer."""
        names = (
            *("depth", "kind", "step_size", "activation", "edge_dropout", "normalization"),
            *("share_alpha", "double", "paired", "concatenate", "seed"),
        )
        return super().get_config() | {name: getattr(self, name) for name in names}


def _is_paired(graph: _graph.GraphBatch) -> Tensor:
    """Whether edges 2k and 2k + 1 are each other's reverse, of one weight, for all k; one left over must be padding."""
    match = (graph.i[:-1] == graph.j[1:]) & (graph.j[:-1] == graph.i[1:])
    if graph.weight is not None:
        match = match & ((graph.weight[:-1, 0] == graph.weight[1:, 0]) | (graph.i[1:] == graph.j[1:]))
    position = ops.cumsum(ops.ones_like(graph.i[1:]))  # 1, 2, ...: even ones join two different pairs
    even = ops.equal(ops.shape(graph.i)[0] % 2, 0) | ops.all(graph.i[-1:] == graph.j[-1:])
    return even & ops.all(match | (position % 2 == 0))


def _near_identity(shape: tuple[int, ...], dtype: Any = None) -> Tensor:
    """The identity plus uniform numbers in [0, 0.001), as in the authors' code."""
    return ops.eye(shape[-1], dtype=dtype) + keras.random.uniform(shape, 0.0, 1e-3, dtype=dtype)
