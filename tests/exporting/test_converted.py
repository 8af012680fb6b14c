"""ONNX and LiteRT files in their own runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.exporting.conftest import predict, relative, report

pytestmark = pytest.mark.once


def run_onnx(folder: Path, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
    runtime = pytest.importorskip("onnxruntime", reason="needs zoo[onnx]")
    session = runtime.InferenceSession(str(folder / "model.onnx"))
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def interpreter(folder: Path) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        Interpreter = tensorflow.lite.Interpreter
    return Interpreter(model_path=str(folder / "model.tflite"))


def test_onnx_agrees_at_several_batch_sizes(onnx_file: Path, images: np.ndarray, logits: np.ndarray) -> None:
    for batch in (1, 2, 5):
        outputs = run_onnx(onnx_file, {"image": images[:batch]})
        assert relative(outputs["logits"], logits[:batch]) <= 1e-5
        assert outputs["probabilities"].sum(axis=1) == pytest.approx(1)


def test_onnx_file(onnx_file: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs zoo[onnx]")
    model = onnx.load(str(onnx_file / "model.onnx"))
    assert [(entry.domain, entry.version) for entry in model.opset_import if entry.domain == ""] == [("", 18)]
    assert [value.name for value in model.graph.input] == ["image"]
    assert [value.name for value in model.graph.output] == ["logits", "probabilities"]
    found = report(onnx_file)
    assert found["labels"] == list("abcde") and found["fold"] and found["max_difference"] <= 1e-5


def test_graphs_of_any_size(graph_file: Path, graph_net: keras.Model) -> None:
    assert set(report(graph_file)["inputs"]) == {"x", "edges"}
    for nodes, edges in ((3, 2), (7, 20)):
        generator = np.random.default_rng(nodes)
        inputs = {
            "x": generator.standard_normal((1, nodes, 3)).astype("float32"),
            "edges": generator.integers(0, nodes, (1, edges, 2)).astype("int32"),
        }
        (scores,) = run_onnx(graph_file, inputs).values()
        assert relative(scores, predict(graph_net, inputs)) <= 1e-5


def test_onnx_holds_each_parameter_once(graph_file: Path, graph_net: keras.Model) -> None:
    onnx = pytest.importorskip("onnx", reason="needs zoo[onnx]")
    tensors = onnx.load(str(graph_file / "model.onnx")).graph.initializer
    stored = sum(int(np.prod(tensor.dims)) for tensor in tensors if tensor.data_type == onnx.TensorProto.FLOAT)
    assert 0 <= stored - graph_net.count_params() <= 4  # and a few constants


def test_int8_computes_in_int8(int8_file: Path, small_net: keras.Model, pictures: np.ndarray) -> None:
    model = interpreter(int8_file)
    place = model.get_input_details()[0]["index"]
    model.resize_tensor_input(place, [5, 8, 8, 1])
    model.allocate_tensors()
    model.set_tensor(place, pictures[:5].astype("float32"))
    model.invoke()
    scores = model.get_tensor(model.get_output_details()[0]["index"])
    assert relative(scores, predict(small_net, pictures[:5].astype("float32"))) < 0.1
    kernels = [tensor for tensor in model.get_tensor_details() if tuple(tensor["shape"]) == (8, 3, 3, 1)]
    assert [tensor["dtype"] for tensor in kernels] == [np.int8]
    assert report(int8_file)["quantize"] == "int8"
