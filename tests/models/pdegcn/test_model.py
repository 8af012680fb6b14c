"""The PDE-GCNs: sizes by hand, fine-tuning on chosen nodes, odd graphs, export."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.datasets import graphs
from zoo import hub
from zoo.math import knn_graph, pad_graphs, to_undirected
from zoo.models.pdegcn import PRESETS, RECIPES, PDEGCNCloudConfig, PDEGCNConfig, build, example_inputs
from zoo.testing import assert_close


def parameters(config: PDEGCNConfig | PDEGCNCloudConfig) -> int:
    """By hand: opening F C, time steps L C^2 and alpha, closing; convolutions of the baseline have biases."""
    opening, mixing = config.input_shape[1] * config.width, int(config.kind == "mixed")
    if config.kind == "gcn":
        return opening + config.depth * (config.width**2 + config.width) + config.width * config.num_classes
    steps = opening + config.depth * config.width**2 + mixing
    if isinstance(config, PDEGCNCloudConfig):
        total, last = steps + config.depth * config.width * config.closing, config.closing
        for width in config.hidden:
            total, last = total + last * width + 2 * width, width
        return total + last * config.num_classes + config.num_classes
    last = config.width
    for index, width in enumerate(config.hidden):
        steps, last = steps + last * width + (width if index else 0), width
    return steps + last * config.num_classes + (config.num_classes if config.hidden else 0)


@pytest.mark.once
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_parameters(preset) -> None:
    model = build(preset.config)
    count = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert count == preset.parameters == parameters(preset.config)


def test_recipes_are_of_presets_and_their_words_fit() -> None:
    configs = {preset.name: preset.config for preset in PRESETS}
    for name, recipe in RECIPES.items():
        paths = [v.path for v in build(hub.registry.replace_config(configs[name], **recipe.overrides)).variables]
        for word in recipe.learning_rate_multipliers:
            assert any(word in path for path in paths), (name, word)


@pytest.mark.parametrize("kind", ["diffusive", "hyperbolic", "mixed", "gcn"])
@pytest.mark.parametrize("depth", [2, 32])
def test_depths(kind: str, depth: int) -> None:
    """As deep as the sweep goes but for 64, on a graph with isolated nodes, with finite logits."""
    config = PDEGCNConfig(
        input_shape=(None, 5), num_classes=3, kind=kind, depth=depth, width=8, step_size=1.0, paired=True
    )
    logits = keras.ops.convert_to_numpy(build(config)(example_inputs(config)))
    assert logits.shape == (2, 16, 3) and np.isfinite(logits).all()


def test_new_classes_are_fitted_on_chosen_nodes(tmp_path: Path) -> None:
    config = PDEGCNConfig(name="small", input_shape=(None, 6), num_classes=3, depth=2, width=8, dropout=0.0)
    model = zoo.load(zoo.save(zoo.build(config), tmp_path / "run"), num_classes=5)
    rng, nodes = np.random.default_rng(0), 30
    labels = np.arange(nodes) % 5
    x = np.zeros((1, nodes, 6), "float32")
    x[0, np.arange(nodes), labels] = 1.0
    graph = {"x": x, "edges": to_undirected([(n, (n + 5) % nodes) for n in range(nodes)])[None]}
    mask = (np.arange(nodes) < 10).astype("float32")
    noise = np.where(mask > 0, labels, rng.integers(0, 5, nodes))  # what the mask leaves out must not matter
    model.optimizer.learning_rate = 0.1
    history = model.fit(graph, noise[None], sample_weight=mask[None], batch_size=1, epochs=30, verbose=0).history
    assert history["accuracy"][-1] == 1.0 and history["loss"][-1] < 0.5 * history["loss"][0]
    assert (model.predict_on_batch(graph)[0].argmax(axis=-1) == labels).all()


def test_full_supervision_on_a_split_of_geom_gcn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page on PDE-GCN shows, on nine nodes."""
    graphs.write_npz(tmp_path / "planetoid" / "citeseer.npz")
    masks = {
        f"{key}_mask": graphs.MASKS[part] for key, part in zip(("train", "val", "test"), graphs.PARTS, strict=True)
    }
    np.savez(tmp_path / "planetoid" / "citeseer_split_0.6_0.2_7.npz", **masks)
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    model = zoo.build("pdegcn_full_citeseer", input_shape=(None, graphs.WORDS), depth=2, width=8, dropout=0.0)
    inputs, labels, train = zoo.datasets.load("citeseer", "geom-7/train")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, weighted_metrics=["accuracy"], jit_compile=hub.suits_xla(model))
    losses = model.fit(inputs, labels, sample_weight=train, epochs=8, batch_size=1, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert zoo.evaluate(model, dataset="citeseer", split="geom-7/test")["nodes"] == len(graphs.PARTS["test"])


def test_features_and_weights_come_back(tmp_path: Path) -> None:
    config = PDEGCNConfig(name="small", input_shape=(None, 5), num_classes=3, depth=2, width=8)
    model, inputs = zoo.build(config), example_inputs(config)
    assert zoo.features(model).predict_on_batch(inputs).shape == (2, 16, 8)
    folder = zoo.save(model, tmp_path / "run")
    assert_close(zoo.load(folder).predict_on_batch(inputs), model.predict_on_batch(inputs), 1e-6)
    assert [result.problems for result in zoo.verify(folder)] == [()]


def test_padded_graphs_of_several_sizes_and_none_without_edges() -> None:
    config = PDEGCNConfig(input_shape=(None, 5), num_classes=3, depth=2, width=8)
    model, rng = build(config), np.random.default_rng(0)
    several = [(rng.random((n, 5)), to_undirected(rng.integers(0, n, (e, 2)))) for n, e in ((6, 9), (9, 0), (3, 2))]
    inputs, mask = pad_graphs(several)
    outputs = model.predict_on_batch(inputs)
    for row, (x, edges) in enumerate(several):
        alone = model.predict_on_batch({"x": x[None].astype("float32"), "edges": edges[None]})
        assert_close(outputs[row][mask[row] > 0], alone[0], 1e-5)


def test_padding_changes_nothing_for_whole_graphs() -> None:
    config, rng = PDEGCNCloudConfig(width=8, depth=2, closing=16, hidden=(8,)), np.random.default_rng(0)
    model = build(config)
    several = [
        (rng.normal(size=(n, 3)), to_undirected(rng.integers(0, n, (e, 2)))) for n, e in ((5, 9), (9, 20), (3, 0))
    ]
    padded = model.predict_on_batch(pad_graphs(several, nodes=16, edges=64)[0])
    for row, (x, edges) in enumerate(several):
        assert_close(
            model.predict_on_batch({"x": x[None].astype("float32"), "edges": edges[None]})[0], padded[row], 1e-5
        )


@pytest.mark.parametrize(
    "config", [PDEGCNConfig(depth=2), PDEGCNConfig(kind="gcn", depth=2), PDEGCNCloudConfig(depth=2)]
)
def test_weights_of_edges_are_an_input_where_asked_for(config, tmp_path: Path) -> None:
    config = dataclasses.replace(config, name="small", input_shape=(None, 5), num_classes=3, width=8, edge_weight=True)
    model, inputs = zoo.build(config), example_inputs(config)
    plain = zoo.build(dataclasses.replace(config, edge_weight=False))
    plain.set_weights(model.get_weights())
    weights = inputs.pop("edge_weight")
    expected = plain.predict_on_batch(inputs)
    assert_close(model.predict_on_batch(inputs | {"edge_weight": np.ones_like(weights)}), expected, 1e-5)
    weighted = model.predict_on_batch(inputs | {"edge_weight": weights})
    assert np.abs(weighted - expected).max() > 1e-4
    again = zoo.load(zoo.save(model, tmp_path / "run"))
    assert_close(again.predict_on_batch(inputs | {"edge_weight": weights}), weighted, 1e-6)
    one = {"x": inputs["x"][0], "edges": inputs["edges"][0]}
    assert len(zoo.predict(model, one | {"edge_weight": weights[0]})) == (1 if model.output.ndim == 2 else 16)
    with pytest.raises(ValueError, match="Build it with edge_weight=True"):
        plain.predict(inputs | {"edge_weight": weights}, verbose=0)
    for graph, words in (
        (one, "takes .*edge_weight"),
        (one | {"edge_weight": [1.0]}, "one weight for each of the edges"),
    ):
        with pytest.raises(ValueError, match=words):
            zoo.predict(model, graph)


def test_clouds_of_points_depend_neither_on_order_nor_on_number() -> None:
    config = PDEGCNCloudConfig(width=8, depth=2, closing=16, hidden=(8,))
    model, points = build(config), np.random.default_rng(0).normal(size=(2, 32, 3)).astype("float32")
    logits = model.predict_on_batch({"x": points, "edges": knn_graph(points, 5)})
    order = np.random.default_rng(1).permutation(32)
    moved = model.predict_on_batch({"x": points[:, order], "edges": knn_graph(points[:, order], 5)})
    assert logits.shape == (2, 10)
    assert_close(moved, logits, 1e-5)
    fewer = {"x": points[:, :12], "edges": knn_graph(points[:, :12], 5)}
    of_twelve = build(dataclasses.replace(config, input_shape=(12, 3)))
    of_twelve.set_weights(model.get_weights())
    assert_close(model.predict_on_batch(fewer), of_twelve.predict_on_batch(fewer), 1e-5)


def test_other_configurations_are_refused() -> None:
    with pytest.raises(TypeError, match="PDEGCNConfig or PDEGCNCloudConfig; got dict"):
        build({"width": 4})  # type: ignore[arg-type]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="ONNX files are made through TensorFlow")
def test_saved_model_and_onnx_take_any_size(tmp_path: Path) -> None:
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed")
    onnxruntime = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    import tensorflow as tf
    from tf2onnx import convert

    config = PDEGCNConfig(input_shape=(None, 5), num_classes=3, kind="mixed", depth=3, width=8, step_size=0.5)
    model = build(config)
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"]
    arguments = ["--saved-model", str(tmp_path / "saved"), "--opset", "18", "--output", str(tmp_path / "model.onnx")]
    before, sys.argv = sys.argv, ["convert", *arguments]
    try:
        convert.main()
    finally:
        sys.argv = before
    session, rng = onnxruntime.InferenceSession(tmp_path / "model.onnx"), np.random.default_rng(0)
    for batch, nodes, count in ((1, 12, 20), (2, 30, 50)):
        for step in (1, 2):  # both directions in pairs, then one direction: both branches of the exported condition
            x = rng.normal(size=(batch, nodes, 5)).astype("float32")
            edges = to_undirected(rng.integers(0, nodes, (count, 2)))[::step]
            edges = np.stack([np.concatenate([edges, [[-1, -1]] * 4])] * batch).astype("int32")
            expected = model.predict_on_batch({"x": x, "edges": edges})
            assert_close(next(iter(saved(x=x, edges=edges).values())), expected, 1e-5, name="SavedModel")
            assert_close(session.run(None, {"x": x, "edges": edges})[0], expected, 1e-5, name="ONNX")
