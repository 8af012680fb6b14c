"""Nodes with several labels each, node logits in `decode`, and lists without edges."""

import numpy as np
import pytest

import zoo
from zoo import hub
from zoo.math import check_edges, max_step_size, to_undirected

pytestmark = pytest.mark.once


GRAPH = {"x": np.linspace(0, 1, 20, dtype="float32").reshape(1, 4, 5), "edges": np.array([[[0, 1], [1, 0]]], "int32")}


def test_several_labels_a_node():
    model = zoo.build("pdegcn_ppi", width=8, depth=2, num_classes=3, input_shape=(None, 5))
    hub.compile_for_fine_tuning(model)
    labels = np.tile([1.0, 0.0, 1.0], (1, 4, 1))
    model.fit(GRAPH, labels, sample_weight=np.ones((1, 4)), epochs=2, verbose=0)
    logits = model.predict_on_batch(GRAPH)
    first = {prediction.index: prediction.probability for prediction in zoo.decode(model, logits)[0]}
    for index, probability in first.items():  # each by itself, not a share of one
        assert probability == pytest.approx(1 / (1 + np.exp(-float(logits[0, 0, index]))), rel=1e-5)


def test_decode_takes_the_logits_of_nodes():
    model = zoo.build("gcn_cora", width=4, input_shape=(None, 5))
    found = zoo.decode(model, model.predict_on_batch(GRAPH), top=2)
    assert len(found) == 4 and len(found[0]) == 2
    assert sum(p.probability for p in zoo.decode(model, model.predict_on_batch(GRAPH), top=7)[0]) == pytest.approx(1)


def test_no_edges_may_be_an_empty_list():
    model = zoo.build("gcn_cora", width=4, input_shape=(None, 5))
    assert len(zoo.predict(model, {"x": GRAPH["x"][0], "edges": []})) == 4
    assert to_undirected([]).shape == (0, 2) == check_edges([], 3).shape


def test_numbers_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="8589934592"):
        to_undirected([[0, 2**33]])
    with pytest.raises(ValueError, match="at least 0"):
        max_step_size(-1.0, "diffusive")
    with pytest.raises(ValueError, match="wave_share"):
        max_step_size(0.5, "mixed", wave_share=2.0)
