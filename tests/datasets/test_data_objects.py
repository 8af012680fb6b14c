"""The protocol of data: arrays, objects of one's own, graphs."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.datasets import DataSet, open_data
from zoo.datasets.protocol import checked_data, data_facts

pytestmark = pytest.mark.once
X, Y = np.random.default_rng(0).normal(size=(20, 4)).astype("float32"), np.arange(20) % 2
GRAPH = {"x": np.eye(6), "edges": [[0, 2], [2, 4], [1, 3], [3, 5]], "labels": ["a", "b"] * 3}


def test_arrays_are_cut_by_class_or_given_in_two():
    data = open_data((X, Y))
    assert np.bincount(data.validation[1]).tolist() == [2, 2] and data.kind == "arrays" and data.classes is None
    data = open_data(((X[:10], Y[:10]), (X[10:], Y[10:])), classes=["no", "yes"])
    assert len(data.train[1]) == 10 and data.classes == ("no", "yes")
    assert open_data((np.zeros((4, 8, 8, 1)), [0, 1, 0, 1])).kind == "images"


def test_an_object_of_ones_own():
    class Mine:
        train, validation, classes, kind = (X, Y.tolist()), (X, Y), [" no", "yes"], "arrays"

    data = open_data(Mine())
    assert data.classes == ("no", "yes") and data.train[1].dtype == np.int64


def test_data_is_known_by_its_content():
    facts = data_facts(open_data((X, Y)))
    assert facts == data_facts(open_data((X.copy(), Y))) and facts["train"] == 16
    assert facts["sha256"] != data_facts(open_data((X + 1, Y)))["sha256"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "sounds"}, "kind to be one of images, graphs, arrays; got 'sounds'"),
        ({"classes": ["a"]}, "at least two classes; got 'a'"),
        ({"classes": ["a", "A "]}, "Two classes have one name"),
        ({"classes": ["a", ""]}, "a name for each class"),
        ({"validation": None}, "no validation split"),
        ({"train": (X, Y[:5])}, "of one length|one length"),
        ({"train": (X, Y + 5), "classes": ["a", "b"]}, "from 0 up for the 2 classes a, b; got 5 to 6"),
        ({"train": (X, Y - 1)}, "from 0 up; got -1 to 0"),
        ({"train": (X, Y.astype(str))}, "as whole numbers"),
        ({"train": (X, Y), "kind": "images"}, r"Expected images in train, .* got float32 \(20, 4\)"),
        ({"train": (X * np.nan, Y)}, "inputs of train hold NaN"),
        ({"train": {"x": X}}, "Expected train as .*; got dict"),
    ],
)
def test_data_that_is_wrong(changes, words):
    given = {"train": (X, Y), "validation": (X, Y), "kind": "arrays"} | changes
    with pytest.raises(ValueError, match=words):
        checked_data(DataSet(**given))


def test_batches_alone_are_not_enough():
    import keras

    class Batches(keras.utils.PyDataset):
        def __getitem__(self, index):
            return X, Y

    with pytest.raises(ValueError, match="which part shall be measured"):
        open_data(Batches())
    assert open_data((Batches(), Batches())).kind == "arrays"


def test_graphs_from_files_mappings_and_networkx(tmp_path):
    data = open_data(GRAPH)
    inputs, labels, weights = data.train
    assert data.kind == "graphs" and data.classes == ("a", "b") and inputs["edges"].shape == (1, 8, 2)
    assert labels.tolist() == [[0, 1] * 3] and (weights + data.validation[2]).tolist() == [[1.0] * 6]
    np.savez(tmp_path / "mine.npz", **{key: np.asarray(value) for key, value in GRAPH.items()})
    assert data_facts(open_data(tmp_path / "mine.npz")) == data_facts(data)
    turned = {key: value for key, value in GRAPH.items() if key != "edges"}
    turned["edge_index"] = np.array(GRAPH["edges"]).T
    assert data_facts(open_data(turned)) == data_facts(data)
    networkx = pytest.importorskip("networkx")
    graph = networkx.Graph(GRAPH["edges"])
    graph.add_nodes_from(sorted(graph))
    graph = networkx.relabel_nodes(graph, {k: k for k in sorted(graph)})
    ordered = networkx.Graph()
    ordered.add_nodes_from((k, {"x": GRAPH["x"][k], "label": GRAPH["labels"][k]}) for k in range(6))
    ordered.add_edges_from(graph.edges)
    assert data_facts(open_data(ordered)) == data_facts(data)


def test_masks_and_nodes_without_a_label():
    masks = {"train_mask": [1, 1, 1, 1, 0, 0], "val_mask": [0, 0, 0, 0, 1, 1]}
    data = open_data(GRAPH | masks)
    assert data.train[2].tolist() == [[1, 1, 1, 1, 0, 0]] and data.validation[2].sum() == 2
    data = open_data(GRAPH | {"labels": [0, 1, 0, 1, -1, -1]})
    assert data.train[2].tolist()[0][4:] == [0, 0] and data.classes == ("0", "1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"edges": [[0, 9]]}, "9"),
        ({"edges": [[0, 1, 2]]}, r"edges of shape \(pairs, 2\)"),
        ({"labels": ["a"] * 6}, "at least two classes; got 'a'"),
        ({"labels": ["a", "b"]}, "a label for each of the 6 nodes"),
        ({"labels": ["a", "A"] * 3}, "Two classes have one name"),
        ({"x": np.zeros(6)}, r"x of shape \(nodes, features\)"),
        ({"train_mask": [1] * 6, "val_mask": [1] * 6}, "the masks overlap"),
        ({"val_mask": [1] * 6}, "none of the training nodes"),
        ({"train_mask": [1, 0, 1, 0, 1, 0], "val_mask": [0, 1, 0, 1, 0, 1]}, "No training nodes of: b"),
        ({"classes": ["a", "c"]}, "Labels that are no class: b"),
    ],
)
def test_graphs_that_are_wrong(changes, words):
    with pytest.raises(ValueError, match=words):
        open_data(GRAPH | changes)
