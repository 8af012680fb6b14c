"""The networks against the tensors that the reference implementation computed."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients
from tests.models.pdegcn import reference
from zoo.layers import GraphAverage, GraphDivergence, GraphGradient, PDEGCNBlock, _graph
from zoo.math import gcn_weights, is_undirected, pair_edges
from zoo.models.pdegcn import PDEGCNConfig, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "pdegcn"
NETWORKS = sorted(path.stem for path in FOLDER.glob("[DHM]_*.npz"))
REL = 1e-5
# One number, the sum of many that cancel: the reference's own, in float32, is 1.4e-5 from what float64 gives.
ALPHA = 2e-5
SHORT_CUTS = ["D_sym", "D_sym_double", "H_iso_mid", "M_dup_loop"]


def network(golden, **options):
    """The reference's network with its weights; `options` are those of the block."""
    config = PDEGCNConfig(
        input_shape=(None, golden["x"].shape[1]),
        num_classes=golden["logits"].shape[1],
        kind=reference.KINDS[str(golden["cfg_kind"])],
        width=int(golden["cfg_channels"]),
        depth=int(golden["cfg_layers"]),
        step_size=float(golden["cfg_h"]),
        activation=str(golden["cfg_activation"]),
        dropout=0.0,
    )
    model = build(config)
    inputs, last, head = model.input, model.get_layer("open").output, model.get_layer("head")
    options["double"] = bool(golden["cfg_double_conv"])
    states = PDEGCNBlock.from_config(model.get_layer("pde").get_config() | options)(last, inputs["edges"])
    logits = head(states[..., -config.width :])
    if options.get("concatenate"):
        logits = keras.layers.Concatenate()([logits, states])
    model = keras.Model(inputs, logits)
    reference.assign(model, reference.layout(golden))
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_states_logits_and_all_gradients(name):
    """One compilation for all: logits and states side by side, and the gradients of sum(logits^2)."""
    golden = load_golden(FOLDER / f"{name}.npz")
    classes, states = golden["logits"].shape[1], golden["states"][1:]
    model = reference.OnGraph(network(golden, paired=False, concatenate=True), reference.edges_of(golden))
    cotangent = np.pad(2 * golden["logits"], ((0, 0), (0, states.shape[0] * states.shape[2])))
    outputs, input_gradient, found = gradients(model, golden["x"], cotangent=cotangent)
    assert_close(outputs[:, :classes], golden["logits"], REL, name="logits")
    found_states = outputs[:, classes:].reshape(states.shape[1], states.shape[0], -1).swapaxes(0, 1)
    assert_close(found_states, states, REL, name="states")
    assert_close(input_gradient, golden["grad__x"], REL, name="gradient of x")
    check_gradients(found, reference.layout(golden, "grad__"))


def check_gradients(found, expected):
    assert set(found) == set(expected)
    for path, value in found.items():
        assert_close(value, expected[path], ALPHA if path.endswith("alpha") else REL, name=path)


@pytest.mark.parametrize("name", SHORT_CUTS)
def test_the_short_cuts_are_equal(name):
    """The same graph in pairs and with padding: other arithmetic, same logits and gradients."""
    golden = load_golden(FOLDER / f"{name}.npz")
    edges = reference.edges_of(golden)
    assert is_undirected(edges)
    paired = np.concatenate([pair_edges(edges), np.full((3, 2), -1, "int32")])
    logits, _, found = gradients(reference.OnGraph(network(golden, paired=True), paired), golden["x"])
    assert_close(logits, golden["logits"], REL, name="logits")
    check_gradients(found, reference.layout(golden, "grad__"))


@pytest.mark.parametrize("name", [name for name in NETWORKS if "init" not in name])
def test_weights_of_the_edges(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    edges, count = golden["gcn_edge_index"].T, int(golden["num_nodes"])
    proper = edges[:, 0] != edges[:, 1]
    assert_close(gcn_weights(reference.edges_of(golden), count).sum(), golden["gcn_weight"][proper].sum(), 1e-6)
    assert_close(gcn_weights(edges[proper], count), golden["gcn_weight"][proper], 1e-6)


@pytest.mark.parametrize("weights", ["ones", "rand"])
@pytest.mark.parametrize("graph", ["sym", "iso_mid", "iso_end", "directed", "dup_loop"])
def test_operators(graph, weights):
    golden = load_golden(FOLDER / "operators.npz")
    case = {
        name.removeprefix(f"{graph}__{weights}__"): golden[name] for name in golden if f"{graph}__{weights}" in name
    }
    x, q, w = case["x"][None], case["e"][None], case["W"][None]
    edges = case["edge_index"].T[None].astype("int32")
    gradient = GraphGradient()(x, edges, edge_weight=w)
    found = {
        "nodeGrad": gradient,
        "nodeAve": GraphAverage()(x, edges, edge_weight=w),
        "edgeDiv": GraphDivergence()(q, edges, x, edge_weight=w),
        "nodeLap": GraphDivergence()(gradient, edges, x, edge_weight=w),
        "edgeAve_ave": GraphAverage("nodes")(q, edges, x, edge_weight=w),
        "edgeAve_max": GraphAverage("nodes", mode="max")(q, edges, x, edge_weight=w),
        "edgeLength": keras.ops.sqrt(keras.ops.sum(keras.ops.square(gradient), axis=-1)),
    }
    for name, value in found.items():
        assert_close(value[0], case[name], REL, name=name)


@pytest.mark.parametrize("name", ["faust_H_sym", "faust_M_sym"])
def test_correspondence_with_the_references_divergence(name, monkeypatch):
    """The reference's network for meshes, with its mistake: what leaves and what arrives are added to one end.

    With node weights (all 1 here) its divergence adds both terms to the first node of every edge, each with a plus. So
    it is no adjoint, and zoo has it in this test only.
    """
    golden = load_golden(FOLDER / f"{name}.npz")

    def flow_of_the_reference(block, graph, dtype, training):
        def flow(x, layer):
            kernel = block.kernel[layer]
            differences = keras.ops.take(x, graph.i, axis=0) - keras.ops.take(x, graph.j, axis=0)
            flows = keras.ops.relu(keras.ops.matmul(differences, kernel))
            return 2 * keras.ops.matmul(_graph.sum_at(flows, graph.i, graph.count), keras.ops.transpose(kernel))

        return flow

    monkeypatch.setattr(PDEGCNBlock, "_general_flow", flow_of_the_reference)
    model = correspondence(golden)
    outputs, input_gradient, found = gradients(reference.OnGraph(model, reference.edges_of(golden)), golden["x"])
    assert_close(outputs, golden["log_probs"], REL, name="log probabilities")
    assert_close(input_gradient, golden["grad__x"], REL, name="gradient of x")
    check_gradients(found, correspondence_layout(golden, "grad__"))


def correspondence(golden):
    width = int(golden["cfg_channels"])
    config = PDEGCNConfig(
        input_shape=(None, 3),
        num_classes=golden["log_probs"].shape[1],
        kind=reference.KINDS[str(golden["cfg_kind"])],
        width=width,
        depth=int(golden["cfg_layers"]),
        step_size=float(golden["cfg_h"]),
        dropout=0.0,
        normalization=None,
        paired=False,
        hidden=(width, width),
    )
    model = build(config)
    model = keras.Model(model.input, keras.layers.Activation("log_softmax")(model.output))
    reference.assign(model, correspondence_layout(golden, "w__"))
    return model


def correspondence_layout(golden, prefix):
    return reference.layout(golden, prefix, PDEGCNConfig(hidden=(1, 1)))
