"""Edge lists, batches of graphs, other libraries' graphs, and the bound on the step size."""

from __future__ import annotations

import math

import numpy as np
import pytest

from zoo.math import (
    check_edges,
    degrees,
    from_networkx,
    from_pyg,
    from_scipy,
    gcn_weights,
    is_undirected,
    knn_graph,
    max_step_size,
    pad_graphs,
    pair_edges,
    spectral_bound,
    to_undirected,
)

pytestmark = pytest.mark.once


def random_edges(seed: int, nodes: int = 9, count: int = 30) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, nodes, (count, 2))


@pytest.mark.parametrize("seed", range(5))
def test_undirected_lists(seed: int) -> None:
    edges = random_edges(seed)
    both = to_undirected(edges)
    assert is_undirected(both) and (both[::2] == both[1::2, ::-1]).all() and (both[::2, 0] < both[::2, 1]).all()
    assert {tuple(sorted(edge)) for edge in edges if edge[0] != edge[1]} == {tuple(edge) for edge in both[::2]}
    shuffled = np.random.default_rng(seed).permutation(both)
    assert is_undirected(shuffled) and (pair_edges(shuffled) == both).all()
    assert not is_undirected(both[:-1])


def test_pairs_keep_repetitions_and_lose_loops_and_padding() -> None:
    edges = [[0, 1], [2, 2], [0, 1], [1, 0], [-1, -1], [1, 0]]
    assert pair_edges(edges).tolist() == [[0, 1], [1, 0]] * 2
    with pytest.raises(ValueError, match="to_undirected adds"):
        pair_edges([[0, 1]])


def test_nothing_is_an_undirected_list_too() -> None:
    empty = np.empty((0, 2), int)
    assert is_undirected(empty) and to_undirected(empty).shape == pair_edges(empty).shape == (0, 2)
    assert degrees(empty, 3).tolist() == [1.0] * 3 and spectral_bound(empty, 3) == 0.0


def test_weights_against_the_definition() -> None:
    edges = random_edges(1)
    expected = np.ones(9)
    for i, j in edges:
        expected[j] += i != j
    assert degrees(edges, 9).tolist() == expected.tolist()
    for weight, (i, j) in zip(gcn_weights(edges, 9), edges, strict=True):
        assert weight == (0.0 if i == j else pytest.approx((expected[i] * expected[j]) ** -0.5))


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ([[0, 3]], "names node 3, but the graph has 3 nodes: expected indices 0 to 2"),
        ([[0, -2]], "names node -2"),
        ([[0, -1]], "one end at -1"),
        ([[0.0, 1.0]], "integer node numbers.*float64.*astype"),
        ([[0, 1, 2], [1, 2, 0]], r"\(\.\.\., edges, 2\).*\(2, 3\).*edge_index\.T"),
        ([[[0, 1, 2], [1, 2, 0]]], r"edge_index\.transpose\(0, 2, 1\)"),
    ],
)
def test_wrong_edges_are_refused(edges: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_edges(edges, 3)


def test_padding_to_powers_of_two_and_to_given_sizes() -> None:
    graphs = [(np.full((n, 2), n), to_undirected([[0, n - 1]])) for n in (3, 5)]
    inputs, mask = pad_graphs(graphs)
    assert inputs["x"].shape == (2, 8, 2) and inputs["edges"].shape == (2, 2, 2)
    assert mask.sum(axis=1).tolist() == [3, 5] and (inputs["x"][0, 3:] == 0).all()
    inputs, _ = pad_graphs(graphs, nodes=6, edges=4)
    assert inputs["x"].shape == (2, 6, 2) and inputs["edges"][0].tolist() == [[0, 2], [2, 0], [-1, -1], [-1, -1]]
    assert (pad_graphs(iter(graphs))[0]["edges"] == pad_graphs(graphs)[0]["edges"]).all()
    with pytest.raises(ValueError, match="`nodes` to be an integer of at least 0; got 8.5"):
        pad_graphs(graphs, nodes=8.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="5 nodes, more than nodes=4"):
        pad_graphs(graphs, nodes=4)
    with pytest.raises(ValueError, match="one width"):
        pad_graphs([(np.ones((2, 2)), [[0, 1]]), (np.ones((2, 3)), [[0, 1]])])
    with pytest.raises(ValueError, match="one or more graphs"):
        pad_graphs([])


def test_nearest_neighbours() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    edges = knn_graph(points, 4)
    distances = np.linalg.norm(points[:, None] - points, axis=2) + np.diag([np.inf] * 40)
    assert (edges[:, 0] == np.repeat(np.arange(40), 4)).all()
    assert (edges[:, 1].reshape(40, 4) == np.argsort(distances, axis=1)[:, :4]).all()
    assert (knn_graph(points.reshape(2, 20, 3), 4)[1] == knn_graph(points[20:], 4)).all()
    for k in (0, 40):
        with pytest.raises(ValueError, match="`k` to be an integer from 1 to 39"):
            knn_graph(points, k)
    with pytest.raises(ValueError, match="finite points"):
        knn_graph([[np.nan], [1.0]], 1)


def test_nearest_neighbours_far_from_the_origin_and_at_equal_distances() -> None:
    points = np.random.default_rng(0).integers(0, 2**20, (40, 3)) / 2**20
    assert (knn_graph(points + 2**24, 4) == knn_graph(points, 4)).all()
    line = np.arange(7)[:, None] / 3 + 1e6  # both neighbours are equally near: the lower number first
    assert knn_graph(np.round(line * 3), 1)[1:, 1].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("points", "k", "words"),
    [
        (np.eye(4), 1.5, "`k` to be an integer from 1 to 3; got 1.5"),
        (np.eye(4), "2", "`k` .* got '2'"),
        (np.eye(4), True, "`k` .* got True"),
        ([["a"], ["b"]], 1, "points as an array of real numbers; got dtype <U1"),
        (np.eye(4) * 1j, 1, "real numbers; got dtype complex128"),
        ([[1.0, 2.0], [3.0]], 1, "points as an array of numbers; got list"),
        ([1.0, 2.0], 1, r"shape \(N, D\), or \(B, N, D\) for a batch; got shape \(2,\)"),
        (np.ones((0, 4, 3)), 1, r"got shape \(0, 4, 3\)"),
        (np.ones((1, 3)), 1, r"two or more finite points .* got shape \(1, 3\)"),
    ],
)
def test_no_points_or_neighbours(points: object, k: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        knn_graph(points, k)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("graphs", "words"),
    [
        (None, "list of pairs .*got a NoneType"),
        ({"x": np.eye(2), "edges": [[0, 1]]}, r"pairs .* as \[\(x, edges\)\] .*got a dict"),
        ([{"x": np.eye(2), "edges": [[0, 1]]}], "got a dict in it"),
        ((np.eye(2), [[0, 1]]), "got a ndarray in it"),
        ([(np.eye(2), [[0, 1]], [1.0], 1)], "got a tuple of 4 in it"),
        ([(np.eye(2), [[0, 1]], 1)], r"finite weight for each of 1 edges of graph 0; got shape \(\)"),
        ([(np.eye(2), [[0, 1]]), (np.eye(2), [[0, 1]], [1.0])], "for all graphs or for none"),
        ([([["a"]], [[0, 0]])], "features as an array of real numbers"),
        ([(np.eye(2), [[[0, 1]]])], r"edges of shape \(edges, 2\) for each graph; got shapes \[\(1, 1, 2\)\]"),
    ],
)
def test_no_graphs_to_pad(graphs: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        pad_graphs(graphs)  # type: ignore[arg-type]


def test_scipy() -> None:
    sparse = pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    dense, expected = np.array([[0, 2.5, 0], [0, 0, 1], [1, 0, 0]]), [[0, 1], [1, 2], [2, 0]]
    matrix = sparse.csr_array(dense)
    assert from_scipy(matrix != 0).tolist() == from_scipy(matrix, edge_weight=False).tolist() == expected
    edges, weights = from_scipy(matrix, edge_weight=True)
    assert edges.tolist() == expected and weights.tolist() == [2.5, 1, 1] and weights.dtype == np.float32
    with pytest.raises(ValueError, match="Entries of the matrix are weights, as 2.5: .* Pass edge_weight=True"):
        from_scipy(matrix)
    twice = sparse.coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))  # SciPy adds repeated entries up
    assert from_scipy(twice, edge_weight=True)[1].tolist() == [2, 1] and len(twice.data) == 3
    with pytest.raises(ValueError, match="are weights, as 2"):
        from_scipy(twice)
    with pytest.raises(ValueError, match="finite numbers"):
        from_scipy(sparse.csr_array(np.diag([np.nan, 1.0])), edge_weight=True)
    with pytest.raises(ValueError, match="square SciPy sparse matrix; got ndarray"):
        from_scipy(np.eye(3))


def test_networkx() -> None:
    networkx = pytest.importorskip("networkx", reason="NetworkX is not installed")
    edges, nodes = from_networkx(networkx.cycle_graph(["a", "b", "c"]))
    assert nodes == ["a", "b", "c"] and len(edges) == 6 and (edges[::2] == edges[1::2, ::-1]).all()
    edges, _ = from_networkx(networkx.DiGraph([("b", "a")]))
    assert edges.tolist() == [[0, 1]]
    graph = networkx.Graph()
    graph.add_weighted_edges_from([(0, 1, 0.5), (1, 2, 2.0)])
    graph.add_edge(2, 3, colour="red")
    edges, nodes, weights = from_networkx(graph, weight="weight")
    assert edges[::2].tolist() == [[0, 1], [1, 2], [2, 3]] and weights.tolist() == [0.5, 0.5, 2, 2, 1, 1]
    assert len(from_networkx(graph, weight=False)) == 2 and nodes == [0, 1, 2, 3]
    with pytest.raises(ValueError, match='weights, as 0.5: .*weight="weight".*weight=False'):
        from_networkx(graph)
    assert from_networkx(networkx.MultiDiGraph([(0, 1), (0, 1)]))[0].tolist() == [[0, 1], [0, 1]]
    with pytest.raises(ValueError, match="NetworkX graph; got list"):
        from_networkx([])


def test_pytorch_geometric() -> None:
    data = pytest.importorskip("torch_geometric.data", reason="PyTorch Geometric is not installed")
    torch = pytest.importorskip("torch")
    graph = data.Data(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]))
    inputs = from_pyg(graph)
    assert inputs["x"].shape == (1, 3, 2) and inputs["edges"].tolist() == [[[0, 1], [1, 2]]]
    assert inputs["x"].dtype == np.float32 and inputs["edges"].dtype == np.int32
    with pytest.raises(ValueError, match="x and edge_index"):
        from_pyg(data.Data())


class Batch:
    """What PyTorch Geometric makes of a triangle and a pair."""

    def __init__(self, **attributes: object) -> None:
        self.x = np.arange(10.0).reshape(5, 2)
        self.edge_index = np.array([[0, 3, 1, 2], [1, 4, 2, 0]])
        self.batch = np.array([0, 0, 0, 1, 1])
        self.num_graphs = 2
        self.__dict__ |= attributes


def test_a_batch_of_pytorch_geometric_stays_several_graphs() -> None:
    inputs = from_pyg(Batch())
    assert sorted(inputs) == ["edges", "x"] and inputs["x"].shape == (2, 3, 2)
    assert inputs["x"][1].tolist() == [[6, 7], [8, 9], [0, 0]]
    assert inputs["edges"].tolist() == [[[0, 1], [1, 2], [2, 0]], [[0, 1], [-1, -1], [-1, -1]]]
    mixed = Batch(batch=np.array([1, 0, 1, 0, 1]), edge_index=np.array([[0, 1], [2, 3]]))  # in any order
    assert from_pyg(mixed)["x"][1].tolist() == [[0, 1], [4, 5], [8, 9]]
    assert from_pyg(mixed)["edges"].tolist() == [[[0, 1]], [[0, 1]]]
    assert from_pyg(Batch(batch=None, num_graphs=None))["x"].shape == (1, 5, 2)


@pytest.mark.parametrize("attributes", [{"edge_weight": [1, 2, 3, 4]}, {"edge_attr": np.array([[1], [2], [3], [4]])}])
def test_weights_of_pytorch_geometric_are_kept_or_refused(attributes: dict) -> None:
    with pytest.raises(ValueError, match="weights, as 2: .*edge_weight=True.*edge_weight=False"):
        from_pyg(Batch(**attributes))
    assert from_pyg(Batch(**attributes), edge_weight=True)["edge_weight"].tolist() == [[1, 3, 4], [2, 0, 0]]
    assert sorted(from_pyg(Batch(**attributes), edge_weight=False)) == ["edges", "x"]
    assert (from_pyg(Batch(), edge_weight=True)["edge_weight"][0] == 1).all()


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"edge_index": np.array([[0, 5], [1, 4]])}, "names node 5, but the graph has 5 nodes"),
        ({"edge_index": np.array([[0.0], [1.0]])}, "integer node numbers"),
        ({"edge_index": np.array([[0, 1], [1, 2], [2, 0]])}, r"edge_index of shape \(2, edges\); got \(3, 2\)"),
        ({"edge_index": np.array([[0], [4]])}, r"within the graphs of the batch; edge \[0, 4\] joins two"),
        ({"batch": np.array([0, 1])}, "number of a graph for each of 5 nodes"),
        ({"edge_attr": np.ones((4, 3))}, r"edge_attr of shape \(4, 3\). Choose a column"),
        ({"x": np.ones(5)}, r"x of shape \(nodes, features\); got \(5,\)"),
    ],
)
def test_what_pytorch_geometric_would_not_give_is_refused(attributes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        from_pyg(Batch(**attributes))


@pytest.mark.parametrize("normalization", ["gcn", None])
@pytest.mark.parametrize("both_ways", [True, False])
def test_spectral_bound_is_the_largest_eigenvalue(both_ways: bool, normalization: str | None) -> None:
    edges = to_undirected(random_edges(2)) if both_ways else random_edges(2)
    weights = gcn_weights(edges, 9) if normalization else np.where(edges[:, 0] == edges[:, 1], 0.0, 1.0)
    gradient = np.zeros((len(edges), 9))
    gradient[np.arange(len(edges)), edges[:, 0]] += weights
    gradient[np.arange(len(edges)), edges[:, 1]] -= weights
    largest = np.linalg.eigvalsh(gradient.T @ gradient)[-1]
    for activation, expected in (("tanh", largest), ("relu", largest / 2 if both_ways else largest)):
        found = spectral_bound(edges, 9, normalization=normalization, activation=activation)
        assert found == pytest.approx(expected, rel=1e-3) and found <= expected * (1 + 1e-12)


def test_citation_graphs_allow_steps_of_four_and_2_83() -> None:
    """The worst case of the gcn weights, one isolated pair of nodes, decides Cora and Citeseer."""
    bound = spectral_bound([[0, 1], [1, 0]], 2)
    assert max_step_size(bound, "diffusive") == pytest.approx(4.0)
    assert max_step_size(bound, "hyperbolic") == pytest.approx(math.sqrt(8.0))


def test_mixed_steps_lie_between() -> None:
    limits = [max_step_size(0.5, "mixed", wave_share=share) for share in (0.0, 0.5, 1.0)]
    assert limits[0] == max_step_size(0.5, "diffusive") and limits[2] == max_step_size(0.5, "hyperbolic")
    assert limits[0] > limits[1] > limits[2]
    assert max_step_size(0.5, "diffusive", kernel_norm=2.0) == pytest.approx(1.0)
    assert max_step_size(0.0, "mixed") == math.inf
    with pytest.raises(ValueError, match='"diffusive", "hyperbolic", "mixed"'):
        max_step_size(1.0, "parabolic")
