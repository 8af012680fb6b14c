"""Graphs in `zoo.predict` and `zoo.evaluate`: checks, nodes, the graph beside the weights, energies, step sizes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from zoo import cli, datasets
from zoo.evaluation import check_step_size, graph_energy, pack_graph
from zoo.math import to_undirected
from zoo.models.pdegcn import PDEGCNConfig

NODES = 9
EDGES = to_undirected([(n, (n + s) % NODES) for n in range(NODES) for s in (1, 3)])
X = np.random.default_rng(0).random((NODES, 4), "float32")
GRAPH = {"x": X, "edges": EDGES}


def network(**changes) -> keras.Model:
    config = {"name": "small", "input_shape": (None, 4), "num_classes": 3, "width": 8, "depth": 6, "step_size": 1.0}
    return zoo.build(PDEGCNConfig(**config | changes))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return zoo.save(network(), tmp_path / "run", assets={"graph.npz": pack_graph({"x": X[None], "edges": EDGES[None]})})


def test_nodes_of_the_graph_that_ships_with_the_weights(run: Path) -> None:
    model = zoo.load(run)
    expected = zoo.decode(model, model.predict_on_batch({"x": X[None], "edges": EDGES[None]})[0], top=2)
    assert zoo.predict(run, nodes=[5, 7], top=2) == [expected[5], expected[7]]
    assert zoo.predict(model, GRAPH, top=2) == expected


def test_the_command_predicts_nodes(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["predict", str(run), "--node", "5", "7", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["node"] for row in rows] == [5, 7] and len(rows[0]["predictions"]) == 3
    assert cli.main(["predict", str(run), "--node", "9"]) != 0
    assert "no node 9: the graph has the nodes 0 to 8" in capsys.readouterr().err
    wrong = (["predict", "a", "b", "--node", "1"], ["predict", str(run), "--node", "1", "--plot", "a.png"])
    assert all(cli.main(arguments) != 0 for arguments in wrong)


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        ({"x": X}, r"expected .*edges.*got \['x'\]"),
        (X, "takes a graph.*got ndarray"),
        ({"x": X, "edges": EDGES + 5}, "names node 13, but the graph has 9 nodes"),
        ({"x": X, "edges": EDGES.astype("float32")}, "integer node numbers.*float32"),
        ({"x": np.where(X > 0.9, np.nan, X), "edges": EDGES}, "of 9 nodes hold NaN"),
        ({"x": X[:, :3], "edges": EDGES}, r"Expected 4 features a node.*got x of shape \(9, 3\)\.$"),
        (
            {"x": X.T, "edges": EDGES},
            r"Expected 4 features.* got x of shape \(4, 9\)\. They look transposed: pass x\.T",
        ),
        ({"x": X.T[None], "edges": EDGES[None]}, r"look transposed: pass x\.transpose\(0, 2, 1\)"),
        ({"x": X[None], "edges": EDGES}, r"have a batch axis: pass edges\[None\]"),
        ({"x": X, "edges": EDGES[None]}, r"have a batch axis: pass x\[None\]"),
        ({"x": X, "edges": EDGES.T}, r"pass edge_index\.T\."),
        ({"x": [[1.0], [1.0, 2.0]], "edges": EDGES}, "features x as an array; got list"),
        ({"x": X[:0], "edges": EDGES[:0]}, "at least one node"),
        ({"x": X.astype(str), "edges": EDGES}, "numeric features"),
        ({"x": X[0], "edges": EDGES}, r"shape \(nodes, 4\)"),
        ({"x": np.stack([X, X]), "edges": EDGES[None]}, "as many edge lists as graphs"),
        ({"x": np.stack([X, X]), "edges": np.stack([EDGES, EDGES])}, "one graph at a time; got 2"),
        (None, "has no weights, and so no graph"),
    ],
)
def test_wrong_graphs_are_refused(graph: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zoo.predict(network(), graph)


@pytest.mark.parametrize(
    ("nodes", "words"), [([9], "no node 9"), ([-1], "no node -1"), ([0.5], "list of node numbers")]
)
def test_wrong_nodes_are_refused(nodes: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        zoo.predict(network(), GRAPH, nodes=nodes)


def test_a_graph_without_edges_works() -> None:
    model, alone = network(), {"x": X, "edges": np.empty((0, 2), "int32")}
    expected = zoo.predict(model, {"x": X, "edges": np.full((4, 2), -1)})
    zoo.predict(model, GRAPH)  # TensorFlow leaves the number of edges open after it has seen two
    for found, wanted in zip(zoo.predict(model, alone), expected, strict=True):
        assert [p.index for p in found] == [p.index for p in wanted]


def test_models_of_images_know_no_nodes() -> None:
    model = zoo.build("e4net_mnistrot")
    with pytest.raises(ValueError, match="knows of no nodes"):
        zoo.predict(model, np.zeros((1, 28, 28, 1)), nodes=[1])
    with pytest.raises(ValueError, match="Pass images"):
        zoo.predict(model)


def test_weights_without_a_graph_ask_for_one(tmp_path: Path) -> None:
    folder = zoo.save(network(), tmp_path / "run")
    with pytest.raises(ValueError, match="No graph ships with"):
        zoo.predict(folder, nodes=[1])


def test_evaluation_counts_the_nodes_of_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    model, inputs = network(), {"x": X[None], "edges": EDGES[None]}
    labels = model.predict_on_batch(inputs).argmax(axis=-1)
    labels[0, 3:] = (labels[0, 3:] + 1) % 3  # wrong wherever the weights do not look, but for node 3
    weights = np.zeros((1, NODES), "float32")
    weights[0, :4] = 1.0
    monkeypatch.setattr(datasets, "load", lambda *_, **__: (inputs, labels, weights))
    result = zoo.evaluate(model, dataset="made_up")
    assert (result["nodes"], result["correct"], result["error_percent"]) == (4, 3, 25.0)


def test_too_long_steps_are_warned_of_with_both_numbers() -> None:
    words = r"steps by 50, but on this graph .* stable up to \d+\.\d+ only.* Give a smaller step_size"
    with pytest.warns(UserWarning, match=rf"{words}\.$"):
        zoo.predict(network(step_size=50.0), GRAPH)
    with pytest.warns(UserWarning, match=f"{words} or normalization='gcn'"):
        zoo.predict(network(step_size=50.0, normalization=None), GRAPH)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        zoo.predict(network(), GRAPH)


@pytest.mark.parametrize("kind", ["diffusive", "hyperbolic", "mixed"])
def test_the_bound_takes_kernels_and_share_into_account(kind: str) -> None:
    model, inputs = network(kind=kind), {"x": X[None], "edges": EDGES[None]}
    before = check_step_size(model, inputs)
    kernel = model.get_layer("pde").kernel
    kernel.assign(2 * keras.ops.convert_to_numpy(kernel))
    assert before is not None and check_step_size(model, inputs) < 0.55 * before
    assert check_step_size(network(kind="gcn"), inputs) is None


def test_the_bound_of_one_graph_without_a_batch_axis() -> None:
    model = network()
    assert check_step_size(model, GRAPH) == check_step_size(model, {"x": X[None], "edges": EDGES[None]})
    with pytest.raises(ValueError, match="expected .*edges.*got"):
        check_step_size(model, {"x": X})


@pytest.mark.parametrize("measure", [zoo.evaluation.graph_energy, zoo.evaluation.graph_features])
def test_weights_of_edges_are_refused_where_they_would_be_passed_over(measure) -> None:
    model = zoo.build(PDEGCNConfig(name="w", input_shape=(None, 3), num_classes=2, width=4, depth=2, edge_weight=True))
    graph = {"x": np.eye(3), "edges": [[0, 1], [1, 0]], "edge_weight": [2.0, 2.0]}
    with pytest.raises(ValueError, match="edges without weights; 'w' takes edge_weight"):
        measure(model, graph)


def test_energies() -> None:
    decaying = graph_energy(network(), GRAPH)
    assert decaying.shape == (7,) and (np.diff(decaying) < 0).all()
    wave = network(kind="hyperbolic")
    kernel = wave.get_layer("pde").kernel
    kernel.assign(np.repeat(keras.ops.convert_to_numpy(kernel)[:1], 6, axis=0))
    conserved = graph_energy(wave, GRAPH)
    assert conserved.shape == (6,) and np.abs(conserved / conserved[0] - 1).max() < 1e-5
    assert graph_energy(network(kind="hyperbolic", activation="tanh"), GRAPH).shape == (6,)
    with pytest.raises(ValueError, match="one PDEGCNBlock; 'small' has 0"):
        graph_energy(network(kind="gcn"), GRAPH)


def test_features_of_layers_that_are_called_otherwise_are_refused() -> None:
    x, edges = keras.Input((None, 3), name="x"), keras.Input((None, 2), dtype="int32", name="edges")
    mine = keras.Model({"x": x, "edges": edges}, zoo.layers.GraphConvolution(2, name="gc")(x, edges), name="mine")
    with pytest.raises(ValueError, match="followed by one called <its name>_relu.*'mine' has no gc_relu"):
        zoo.evaluation.graph_features(mine, {"x": np.eye(3), "edges": [[0, 1], [1, 0]]})
