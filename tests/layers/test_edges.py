"""Edges: weights of theirs, ones that name no node, sums over many of them in 16 bits, and nodes that are padding."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal
from zoo.layers import (
    GraphAverage,
    GraphConvolution,
    GraphDivergence,
    GraphGradient,
    NodeMask,
    NodePooling,
    PDEGCNBlock,
)
from zoo.math import pair_edges, to_undirected
from zoo.testing import assert_close

X = normal(1, 5, 3)
RING = to_undirected([[0, 1], [1, 2], [2, 3], [3, 4]])


def built(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The layer with random weights."""
    layer.build(X.shape, (1, None, 2))
    rng = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * 0.4)
    return layer


LAYERS = [
    lambda: GraphConvolution(2, name="a"),
    *(
        lambda arguments=arguments: PDEGCNBlock(2, step_size=0.3, name="a", **arguments)
        for arguments in (
            {},
            {"paired": True},
            {"paired": False},
            {"activation": "tanh"},
            {"activation": "tanh", "double": True, "paired": False},
            {"normalization": None, "kind": "mixed"},
        )
    ),
]


@pytest.mark.parametrize("make", LAYERS)
def test_a_weight_is_so_many_edges(make) -> None:
    layer = built(make())
    ones = np.ones((1, len(RING)), "float32")
    assert_close(layer(X, RING[None], edge_weight=ones), layer(X, RING[None]), 1e-6, name="ones")
    weights = np.repeat([[3.0, 0.0, 1.0, 2.0]], 2, axis=1).astype("float32")
    repeated = pair_edges(np.repeat(RING, weights[0].astype(int), axis=0))
    assert_close(layer(X, RING[None], edge_weight=weights), layer(X, repeated[None]), 2e-6, name="3, 0, 1, 2")


def test_a_pair_with_two_weights_is_no_pair() -> None:
    automatic, general = (built(PDEGCNBlock(2, step_size=0.3, paired=paired, name="a")) for paired in (None, False))
    weights = np.linspace(0.1, 2, len(RING), dtype="float32")[None]
    expected = general(X, RING[None], edge_weight=weights)
    assert_close(automatic(X, RING[None], edge_weight=weights), expected, 1e-6)


def test_weighted_graph_convolution_is_that_of_the_weighted_adjacency() -> None:
    layer, weights = built(GraphConvolution(2, use_bias=False, name="a")), np.linspace(0.1, 2, len(RING))
    adjacency = np.eye(5)
    np.add.at(adjacency, (RING[:, 1], RING[:, 0]), weights)
    root = adjacency.sum(axis=1) ** -0.5
    expected = (root[:, None] * adjacency * root) @ X[0] @ keras.ops.convert_to_numpy(layer.kernel)
    assert_close(layer(X, RING[None], edge_weight=weights[None])[0], expected, 1e-6)
    with pytest.raises(ValueError, match=r"edge_weight of shape \(batch, edges\).*got \(1, 3\)"):
        layer(X, RING[None], edge_weight=np.ones((1, 3)))


CALLS = {
    "convolution": lambda edges: GraphConvolution(2, name="a")(X, edges),
    "block": lambda edges: PDEGCNBlock(1, name="a")(X, edges),
    "gradient": lambda edges: GraphGradient(name="a")(X, edges),
    "divergence": lambda edges: GraphDivergence(name="a")(normal(1, 2, 3), edges, X),
    "to edges": lambda edges: GraphAverage(name="a")(X, edges),
    "to nodes": lambda edges: GraphAverage("nodes", name="a")(normal(1, 2, 3), edges, X),
    "mask": lambda edges: NodeMask(name="a")(X, edges),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("edge", [[1, 5], [-2, 1], [-1, 1]], ids=str)
def test_edges_that_name_no_node_are_refused(call, edge) -> None:
    with pytest.raises(ValueError, match="Layer 'a': An edge (names node|has one end)"):
        call(np.array([[[0, 1], edge]]))


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch compiles nothing here, and so refuses")
@pytest.mark.parametrize("layer", [GraphConvolution(2), PDEGCNBlock(1), GraphGradient()])
def test_compiled_layers_answer_nan_to_them(layer) -> None:
    inputs = (keras.Input((5, 3)), keras.Input((2, 2), dtype="int32"))
    model = keras.Model(inputs, layer(*inputs))
    edges = np.array([[[0, 1], [-1, -1]], [[0, 1], [1, 7]], [[0, 1], [-1, 2]]])
    outputs = model.predict_on_batch([np.concatenate([X] * 3), edges])
    assert np.isnan(outputs).all(axis=(1, 2)).tolist() == [False, True, True]
    assert np.isfinite(outputs[0]).all()


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_sums_over_many_neighbours_in_sixteen_bits(policy) -> None:
    count = 3000
    edges = to_undirected([[0, k] for k in range(1, count + 1)])[None]
    x = np.random.default_rng(0).uniform(0.5, 1.5, (1, count + 1, 3)).astype("float32")
    flows = np.repeat([[1.0, 1.0, 1.0], [-1.0, -1.0, -1.0]], count, axis=0).reshape(2, count, 3).swapaxes(0, 1)
    flows = (flows.reshape(1, -1, 3) / count).astype("float32")
    cases = [
        (lambda **policy: GraphConvolution(4, use_bias=False, **policy), (x, edges)),
        (lambda **policy: PDEGCNBlock(1, normalization=None, step_size=1e-4, **policy), (x, edges)),
        (lambda **policy: PDEGCNBlock(1, activation="tanh", **policy), (x, edges)),
        (lambda **policy: GraphDivergence(**policy), (flows, edges, x)),
        (lambda **policy: GraphAverage("nodes", **policy), (np.abs(flows), edges, x)),
        (lambda **policy: NodePooling("mean", **policy), (x,)),
        (lambda **policy: NodePooling("sum", **policy), (x / count,)),
    ]
    for make, inputs in cases:
        exact, half = make(name="exact"), make(name="half", dtype=policy)
        expected = exact(*inputs)
        half(*inputs)
        half.set_weights(exact.get_weights())
        assert_close(keras.ops.cast(half(*inputs), "float32"), expected, 1e-2, name=type(exact).__name__)


def test_masks_and_pooling_pass_over_padding() -> None:
    nodes = np.array([[[1.0, -2.0], [0.0, 0.0], [0.0, 0.0], [-3.0, 0.0]]], "float32")
    mask = NodeMask()(nodes, np.array([[[1, 0], [-1, -1]]]))
    assert keras.ops.convert_to_numpy(mask).tolist() == [[1, 1, 0, 1]]
    for mode, expected in {"max": [1, 0], "sum": [-2, -2], "mean": [-2 / 3, -2 / 3]}.items():
        assert_close(NodePooling(mode)(nodes, mask)[0], np.array(expected), 1e-6, name=mode)
        there = keras.ops.convert_to_numpy(mask) > 0  # booleans, as NumPy makes them
        assert_close(NodePooling(mode)(nodes, there)[0], np.array(expected), 1e-6, name=mode)
    only = np.array([[0.0, 0.0, 0.0, 1.0]])
    assert keras.ops.convert_to_numpy(NodePooling("max")(nodes, only)).tolist() == [[-3.0, 0.0]]
    for mode in ("max", "sum", "mean"):
        assert not keras.ops.convert_to_numpy(NodePooling(mode)(nodes, 0 * only)).any()
    with pytest.raises(ValueError, match=r"node_mask of shape \(batch, nodes\).*got \(1, 3\)"):
        NodePooling()(nodes, only[:, :3])
