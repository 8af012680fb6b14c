"""Weights of nodes and pixels, and graphs, on their way into `fit`, `evaluate` and `predict`."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo

GRAPH = {"x": np.eye(5, dtype="float32")[None], "edges": np.array([[[0, 1], [1, 0]]])}
LABELS = np.array([[0, 1, 2, 0, 1]])


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A classifier of nodes whose weights do not move."""
    model = zoo.build("pdegcn_cora", input_shape=(None, 5), num_classes=3, depth=1, dropout=0.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.0), loss, jit_compile=False)
    return model


def losses(model: keras.Model) -> np.ndarray:
    """The loss of every node, from the logits."""
    logits = np.asarray(model.predict_on_batch(GRAPH), "float64")[0]
    return -(logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))[np.arange(5), LABELS[0]]


def test_class_weight_weighs_the_classes_of_nodes(model) -> None:
    weights = {0: 5.0, 2: 0.5}
    expected = (losses(model) * np.array([5, 1, 0.5, 5, 1])).mean()
    history = model.fit(GRAPH, LABELS, class_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert float(model.train_on_batch(GRAPH, LABELS, class_weight=weights)) == pytest.approx(expected, rel=1e-5)
    mask = np.array([[1.0, 0, 1, 0, 0]])
    expected = (losses(model) * np.array([5, 0, 0.5, 0, 0])).mean()
    history = model.fit(GRAPH, LABELS, sample_weight=mask, class_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_weights_of_graphs_are_weights_of_their_nodes() -> None:
    model = zoo.load("pdegcn_cora", weights=None, input_shape=(None, 5), num_classes=3)
    found = [
        model.evaluate(GRAPH, LABELS, sample_weight=weights, verbose=0)[0]
        for weights in (None, np.ones(1), np.ones((1, 5)))
    ]
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)


def test_what_cannot_be_weighted_is_refused(model) -> None:
    with pytest.raises(ValueError, match=r"sample_weight of shape \(1,\) or \(1, 5\).*got \(1, 4\)"):
        model.fit(GRAPH, LABELS, sample_weight=np.ones((1, 4)), verbose=0)
    with pytest.raises(ValueError, match="labels as an array beside class_weight"):
        model.fit(iter([(GRAPH, LABELS)]), class_weight={0: 1.0}, verbose=0)


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict", "predict_on_batch", "test_on_batch"])
def test_edges_that_name_no_node_are_refused(model, call) -> None:
    wrong = GRAPH | {"edges": GRAPH["edges"] + 5}
    labels = () if call.startswith("predict") else (LABELS,)
    with pytest.raises(ValueError, match="names node 6, but the graph has 5 nodes"):
        getattr(model, call)(wrong, *labels)
    with pytest.raises(ValueError, match=r"takes the inputs .*'edges', 'x'.* got .*'batch'"):
        getattr(model, call)(GRAPH | {"batch": np.zeros(5)}, *labels)
