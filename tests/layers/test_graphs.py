"""Graph layers: adjoints, exact short cuts, symmetries, lists of every kind, and the theory's discrete forms."""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal
from zoo.layers import GraphAverage, GraphConvolution, GraphDivergence, GraphGradient, PDEGCNBlock
from zoo.math import gcn_weights, max_step_size, pair_edges, spectral_bound, to_undirected
from zoo.testing import assert_close

KINDS = ("diffusive", "hyperbolic", "mixed")
NODES = 12


def random_pairs(seed=3, nodes=NODES, count=20):
    rng = np.random.default_rng(seed)
    edges = rng.integers(0, nodes, (3 * count, 2))
    return np.unique(np.sort(edges[edges[:, 0] != edges[:, 1]], axis=1), axis=0)[:count]


# Lists of one length, and 43 where it must be odd: JAX compiles every operation for every shape.
PAIRED = to_undirected(random_pairs())
SORTED = PAIRED[np.lexsort((PAIRED[:, 1], PAIRED[:, 0]))]
ONE_WAY = random_pairs(seed=4, count=len(PAIRED)).astype("int32")
PADDING = np.full_like(PAIRED, -1)


def followed(edges, *rows):
    """The list with three more rows."""
    return np.concatenate([edges, rows])


def block_for(x, kernel_seed=5, **arguments):
    """A block with kernels that are far from the identity; without a choice to compile, unless that is asked for."""
    block = PDEGCNBlock(**{"depth": 3, "step_size": 0.4, "paired": False, "name": "pde"} | arguments)
    block.build(x.shape, (len(x), None, 2))
    rng = np.random.default_rng(kernel_seed)
    for weight in block.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) * (0.35 if len(weight.shape) > 1 else 1.0))
    return block


def run(block, x, edges, **arguments):
    return keras.ops.convert_to_numpy(block(x, np.asarray(edges, "int32"), **arguments))


@pytest.mark.parametrize("normalization", ["gcn", None])
@pytest.mark.parametrize("edges", [PAIRED, ONE_WAY], ids=["both ways", "one way"])
def test_divergence_is_the_adjoint_of_the_gradient(edges, normalization):
    x, q = normal(1, NODES, 4), normal(1, len(edges), 4, seed=2)
    left = run(GraphGradient(normalization), x, edges[None]) * q
    divergence = keras.ops.convert_to_numpy(GraphDivergence(normalization)(q, edges[None], x))
    assert_close(left.sum(), (x * divergence).sum(), 1e-5)
    assert np.abs(divergence.sum(axis=1)).max() < 1e-5


def test_average_to_nodes_is_the_adjoint_of_that_to_edges():
    x, q = normal(1, NODES, 4), normal(1, len(ONE_WAY), 4, seed=2)
    to_nodes = keras.ops.convert_to_numpy(GraphAverage("nodes")(q, ONE_WAY[None], x))
    assert_close((run(GraphAverage(), x, ONE_WAY[None]) * q).sum(), (x * to_nodes).sum(), 1e-5)


def test_gradient_has_the_weights_of_the_graph():
    x = normal(1, NODES, 4)
    expected = (x[0][ONE_WAY[:, 0]] - x[0][ONE_WAY[:, 1]]) * gcn_weights(ONE_WAY, NODES)[:, None]
    assert_close(run(GraphGradient("gcn"), x, ONE_WAY[None])[0], expected, 1e-6)


def test_graph_convolution_equals_its_definition():
    x = normal(1, NODES, 4)
    layer = GraphConvolution(3)
    layer.build(x.shape, (1, None, 2))
    loops = np.repeat(np.arange(NODES)[:, None], 2, axis=1)
    with_loops, without = (np.concatenate([ONE_WAY[:-NODES], rows]) for rows in (loops, PADDING[:NODES]))
    adjacency = np.zeros((NODES, NODES))
    np.add.at(adjacency, (with_loops[:, 1], with_loops[:, 0]), 1.0)
    root = adjacency.sum(axis=1) ** -0.5
    expected = (root[:, None] * adjacency * root) @ x[0] @ keras.ops.convert_to_numpy(layer.kernel)
    assert_close(run(layer, x, without[None])[0], expected, 1e-6)
    assert_close(run(layer, x, with_loops[None])[0], expected, 1e-6, name="with loops")


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("normalization", ["gcn", None])
def test_short_cuts_are_exact(kind, activation, normalization):
    """General arithmetic on the sorted list, the short cut and the general arithmetic on pairs."""
    x = normal(1, NODES, 4)
    arguments = {"kind": kind, "activation": activation, "normalization": normalization, "step_size": 0.2}
    expected = run(block_for(x, **arguments), x, SORTED[None])
    for paired in (True, False):
        outputs = run(block_for(x, **arguments, paired=paired), x, PAIRED[None])
        assert_close(outputs, expected, 1e-6, name=f"paired={paired}")
    padded = followed(PAIRED, *PADDING[:3])
    outputs = run(block_for(x, **arguments, paired=True), x, padded[None])
    assert_close(outputs, expected, 1e-6, name="odd number of edges")


def ways_taken(monkeypatch, edges, paired=None, training=False, **arguments):
    """Which of the three forms of F one call evaluates, outside of any compilation."""
    taken = []
    for name in ("_general_flow", "_linear_flow", "_odd_flow"):
        method = getattr(PDEGCNBlock, name)

        def recorded(self, *rest, name=name, method=method):
            taken.append(name)
            return method(self, *rest)

        monkeypatch.setattr(PDEGCNBlock, name, recorded)
    monkeypatch.setattr(keras.ops, "cond", lambda condition, yes, no: yes() if bool(condition) else no())
    x = normal(1, NODES, 4)
    run(block_for(x, paired=paired, **arguments), x, edges[None], training=training)
    return taken


@pytest.mark.parametrize(
    ("edges", "arguments", "expected"),
    [
        (PAIRED, {}, "_linear_flow"),
        (PAIRED, {"training": True}, "_linear_flow"),
        (PAIRED, {"activation": "tanh"}, "_odd_flow"),
        (PAIRED, {"activation": "tanh", "double": True}, "_odd_flow"),
        (followed(PAIRED, *PADDING[:3]), {}, "_linear_flow"),
        (followed(PAIRED, *PADDING[:2], [3, 3]), {}, "_linear_flow"),
        (SORTED, {}, "_general_flow"),
        (ONE_WAY, {}, "_general_flow"),
        (followed(PAIRED, *PADDING[:2], [0, 1]), {}, "_general_flow"),
        (PAIRED, {"paired": False}, "_general_flow"),
        (PAIRED, {"edge_dropout": 0.5, "training": True}, "_general_flow"),
        (PAIRED, {"edge_dropout": 0.5, "training": True, "paired": True}, "_general_flow"),
        (PAIRED, {"edge_dropout": 0.5}, "_linear_flow"),
    ],
)
def test_short_cuts_are_taken_where_they_are_exact(monkeypatch, edges, arguments, expected):
    assert ways_taken(monkeypatch, edges, **arguments) == [expected]


def test_one_compiled_model_takes_both_ways():
    """The same shapes, so the same program: the list itself decides."""
    x = normal(1, NODES, 4)
    block = block_for(x, paired=None)
    inputs = (keras.Input((None, 4)), keras.Input((None, 2), dtype="int32"))
    model = keras.Model(inputs, block(*inputs))
    directed = PAIRED.copy()
    directed[::2] = directed[1::2]  # every pair twice in one direction
    for edges in (PAIRED, directed):
        expected = run(block_for(x), x, edges[None])
        assert_close(model.predict_on_batch([x, edges[None]]), expected, 1e-6)


def test_edge_dropout_drops_each_direction_for_itself():
    x = normal(1, NODES, 4)
    block = block_for(x, edge_dropout=0.5, seed=1)
    first, second = (run(block, x, PAIRED[None], training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    assert_close(run(block, x, PAIRED[None]), run(block_for(x), x, PAIRED[None]), 1e-6)


@pytest.mark.parametrize("edges", [PAIRED, ONE_WAY], ids=["both ways", "one way"])
@pytest.mark.parametrize("kind", KINDS)
def test_renumbering_the_nodes_renumbers_the_outputs(kind, edges):
    x, order = normal(1, NODES, 4), np.random.default_rng(0).permutation(NODES)
    number = np.argsort(order)  # the new number of every node
    block = block_for(x, kind=kind, step_size=0.2)
    expected = run(block, x, edges[None])[:, order]
    assert_close(run(block, x[:, order], number[edges][None]), expected, 1e-6)


def test_a_batch_is_a_union_of_separate_runs():
    x, edges = normal(3, NODES, 4), np.stack([PAIRED, SORTED, PAIRED])
    edges[2, -6:] = -1
    block = block_for(x)
    separate = [run(block, x[b : b + 1], edges[b : b + 1]) for b in range(3)]
    assert_close(run(block, x, edges), np.concatenate(separate), 1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_isolated_nodes_and_graphs_without_edges_keep_their_features(kind):
    x = normal(1, NODES, 4)
    block = block_for(x, kind=kind)
    among_others = np.where((PAIRED < NODES - 2).all(axis=1, keepdims=True), PAIRED, -1)
    outputs = run(block, x, among_others[None])
    assert_close(outputs[:, -2:], x[:, -2:], 1e-6)
    assert np.abs(outputs - x)[:, :-2].max() > 1e-3
    for edges in (np.empty((1, 0, 2)), PADDING[None]):
        assert_close(run(block, x, edges), x, 1e-6)


def test_a_constant_stays_where_it_is():
    x = np.full((1, NODES, 4), 3.0, "float32")
    for kind in KINDS:
        assert_close(run(block_for(x, kind=kind), x, ONE_WAY[None]), x, 1e-6)


def test_loops_change_nothing_and_repeated_edges_count_twice():
    x = normal(1, NODES, 4)
    block = block_for(x)
    expected = run(block, x, np.concatenate([ONE_WAY[2:], PADDING[:2]])[None])
    assert_close(run(block, x, np.concatenate([ONE_WAY[2:], [[3, 3], [3, 3]]])[None]), expected, 1e-6)
    once, rest = np.split(PAIRED, 2)
    twice = pair_edges(np.concatenate([once, once]))
    assert len(twice) == 2 * len(once)
    assert_close(run(block_for(x, paired=True), x, twice[None]), run(block, x, twice[None]), 1e-6)
    padded = np.concatenate([once, np.full_like(rest, -1)])
    assert np.abs(run(block, x, twice[None]) - run(block, x, padded[None])).max() > 1e-3


def test_the_direction_of_single_edges_matters_to_relu_and_not_to_tanh():
    """What the page says of lists with one direction. The weights are left out: they depend on it, too."""
    x = normal(1, NODES, 4)
    for activation, equal in (("relu", False), ("tanh", True)):
        block = block_for(x, activation=activation, normalization=None, step_size=0.05)
        difference = np.abs(run(block, x, ONE_WAY[None]) - run(block, x, ONE_WAY[:, ::-1][None])).max()
        assert (difference < 1e-5) == equal


@contextlib.contextmanager
def float64():
    """Layers and arrays in double precision; on JAX the switch is the process's own, so it is put back."""
    if keras.backend.backend() == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    else:
        yield


def trajectory(x, edges, steps, **arguments):
    """All states (steps + 1, N, C) of one block in float64."""
    with float64():
        paired = edges is PAIRED
        block = PDEGCNBlock(steps, dtype="float64", concatenate=True, paired=paired, name="pde", **arguments)
        block.build(x.shape, (1, None, 2))
        block.kernel.assign(np.repeat(KERNEL[None], steps, axis=0))
        states = keras.ops.convert_to_numpy(block(keras.ops.convert_to_tensor(x, "float64"), edges[None]))
    assert states.dtype == np.float64
    return np.concatenate([x, states.reshape(*x.shape[1:2], steps, -1).swapaxes(0, 1)])


KERNEL = np.random.default_rng(8).normal(size=(3, 3)) * 0.5 + np.eye(3)
STEPS = 40


def bounds(edges, kind, activation):
    norm = np.linalg.norm(KERNEL, 2)
    return max_step_size(spectral_bound(edges, NODES, activation=activation), kind, kernel_norm=norm)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("edges", [PAIRED, ONE_WAY], ids=["both ways", "one way"])
@pytest.mark.parametrize("share", [0.5, 0.95, 1.0])
def test_diffusion_decays_and_conserves_up_to_the_bound(edges, activation, share):
    """Theorem 1, discrete: the norm never grows for h <= 2 / ||K G||^2, and the sum over the nodes stays."""
    x = np.random.default_rng(1).normal(size=(1, NODES, 3))
    step = share * bounds(edges, "diffusive", activation)
    states = trajectory(x, edges, STEPS, step_size=step, activation=activation)
    norms = np.linalg.norm(states, axis=(1, 2))
    assert (np.diff(norms) <= 1e-12 * norms[0]).all()
    assert np.abs(states.sum(axis=1) - x.sum(axis=1)).max() < 1e-12


def test_diffusion_blows_up_beyond_the_bound():
    x = np.random.default_rng(1).normal(size=(1, NODES, 3))
    states = trajectory(x, PAIRED, STEPS, step_size=1.3 * bounds(PAIRED, "diffusive", "relu"))
    norms = np.linalg.norm(states, axis=(1, 2))
    assert norms[-1] > 100 * norms[0]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_waves_conserve_their_energy_and_their_sum(share):
    """Theorem 2, discrete: on pairs the ReLU cancels, and the staggered energy is constant to round-off."""
    x = np.random.default_rng(1).normal(size=(1, NODES, 3))
    step = share * bounds(PAIRED, "hyperbolic", "relu")
    states = trajectory(x, PAIRED, STEPS, kind="hyperbolic", step_size=step)
    weights = gcn_weights(PAIRED, NODES)[:, None]

    def force(x):
        flow = weights**2 * (x[PAIRED[:, 0]] - x[PAIRED[:, 1]])
        return np.stack([flow[PAIRED[:, 0] == n].sum(axis=0) for n in range(NODES)]) @ KERNEL @ KERNEL.T

    pairs = list(zip(states[:-1], states[1:], strict=True))
    energy = [0.5 * np.square((b - a) / step).sum() + 0.5 * (a * force(b)).sum() for a, b in pairs]
    assert np.abs(np.asarray(energy) / energy[0] - 1).max() < 1e-12
    assert np.abs(states.sum(axis=1) - x.sum(axis=1)).max() < 1e-12


def test_waves_grow_beyond_the_bound():
    x = np.random.default_rng(1).normal(size=(1, NODES, 3))
    states = trajectory(x, PAIRED, STEPS, kind="hyperbolic", step_size=1.1 * bounds(PAIRED, "hyperbolic", "relu"))
    assert np.linalg.norm(states[-1]) > 100 * np.linalg.norm(states[0])


@pytest.mark.parametrize(("share", "grows"), [(0.97, False), (1.1, True)])
def test_the_bound_of_mixed_steps_is_sharp(share, grows):
    x = np.random.default_rng(1).normal(size=(1, NODES, 3))
    states = trajectory(x, PAIRED, STEPS, kind="mixed", step_size=share * bounds(PAIRED, "mixed", "relu"))
    assert (np.linalg.norm(states[-1]) > 10 * np.linalg.norm(states[0])) == grows
    assert np.abs(states.sum(axis=1) - x.sum(axis=1)).max() < 1e-9 * np.abs(states).max()
