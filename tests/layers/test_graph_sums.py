"""The sums that graph layers are made of, and their gradients, against NumPy; lists in every order; XLA and not."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients, normal
from zoo import _backends
from zoo.layers import GraphConvolution, PDEGCNBlock, _graph
from zoo.layers._graph_sums import Edges
from zoo.testing import assert_close

NODES = 6
LIST = np.array([[4, 1], [0, 2], [-1, -1], [2, 0], [3, 3], [1, 4], [0, 2], [5, 1], [-1, -1]], "int32")
PROPER = LIST[(LIST[:, 0] != LIST[:, 1])]
X = normal(1, NODES, 3)


def edges_of(weight=None):
    graph = _graph.unite("test", keras.ops.convert_to_tensor(LIST[None]), X, loops=False, edge_weight=weight)
    return Edges(graph, _graph.flatten(keras.ops.convert_to_tensor(X)))


def at(ends, values):
    sums = np.zeros((NODES, values.shape[1]))
    np.add.at(sums, ends, values)
    return sums


def test_sums_of_any_list_are_those_of_numpy():
    x, flat = X[0], _graph.flatten(keras.ops.convert_to_tensor(X))
    (i, j), edges = PROPER.T, edges_of()
    assert_close(edges.neighbours(flat)[:-1], at(i, x[j]), 1e-6)
    assert_close(edges.neighbours(flat, reverse=True)[:-1], at(j, x[i]), 1e-6)
    expected = at(i, x[i] - x[j]) - at(j, x[i] - x[j])
    assert_close(edges.divergence(edges.differences(flat))[:-1], expected, 1e-6)
    weight = np.arange(1.0, 10.0, dtype="float32")
    of_edges = weight[LIST[:, 0] != LIST[:, 1]][:, None]
    assert_close(edges_of(weight[None]).neighbours(flat)[:-1], at(i, of_edges * x[j]), 1e-6, name="weighted")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "make", [lambda: PDEGCNBlock(2, paired=False), lambda: GraphConvolution(3), lambda: PDEGCNBlock(2, paired=True)]
)
def test_order_of_the_list_changes_neither_outputs_nor_gradients(make, weighted):
    layer = make()
    layer.build(X.shape, (1, None, 2))
    pairs = np.array([[0, 1], [1, 0], [3, 2], [2, 3], [5, 0], [0, 5], [1, 2], [2, 1]], "int32")
    given = np.repeat([2.0, 1.0, 0.5, 3.0], 2).astype("float32")
    found = []
    for order in (np.arange(8), np.array([6, 7, 2, 3, 0, 1, 4, 5])):
        more = {"edge_weight": given[order][None]} if weighted else {}
        network = keras.Sequential([Fixed(layer, pairs[order][None], more)])
        network.build(X.shape)
        outputs, of_inputs, of_weights = gradients(network, X)
        found.append([outputs, of_inputs, *of_weights.values()])
    for one, other in zip(*found, strict=True):
        assert_close(one, other, 1e-5)


class Fixed(keras.layers.Layer):
    """A layer on one list of edges, as a function of the nodes."""

    def __init__(self, layer, edges, more):
        super().__init__()
        self.layer, self.edges, self.more = layer, edges, more
        self.built = True

    def call(self, x):
        return self.layer(x, keras.ops.convert_to_tensor(self.edges), **self.more)


@pytest.mark.parametrize("rate", [0.25, 0.6, 1e-9])
def test_masks_keep_their_share(rate):
    seed = keras.random.SeedGenerator(1)
    like = keras.ops.zeros((997, 63))
    first, second = (np.asarray(_backends.random_mask(like, 1 - rate, seed)) for _ in range(2))
    assert set(np.unique(first)) <= {0.0, 1.0} and first.shape == (997, 63)
    deviation = max((rate * (1 - rate) / first.size) ** 0.5, 1 / 65536)
    assert abs(first.mean() - (1 - rate)) < 4 * deviation
    if rate > 0.1:
        together = (first * second).mean()  # two draws, and neighbours in one, know nothing of each other
        assert abs(together - (1 - rate) ** 2) < 4 * deviation
        assert abs((first[:, ::2][:, :31] * first[:, 1::2]).mean() - (1 - rate) ** 2) < 6 * deviation


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA beside TensorFlow's own graphs")
def test_xla_gives_the_same():
    import tensorflow as tf

    block = PDEGCNBlock(2, paired=False)
    block.build(X.shape, (1, None, 2))

    def step(x, edges):
        with tf.GradientTape() as tape:
            tape.watch(x)
            outputs = block(x, edges)
        return outputs, tape.gradient(outputs, x)

    found = [tf.function(step, jit_compile=jit)(tf.constant(X), tf.constant(LIST[None])) for jit in (False, True)]
    for plain, compiled in zip(*found, strict=True):
        assert_close(plain, compiled, 1e-5)
    specs = tf.TensorSpec(X.shape), tf.TensorSpec((1, len(LIST), 2), "int32")
    made = [tf.function(step, jit_compile=jit).get_concrete_function(*specs) for jit in (False, True)]
    names = [{operation.type for operation in function.graph.get_operations()} for function in made]
    assert "SegmentSum" in names[0] and "SegmentSum" not in names[1]
