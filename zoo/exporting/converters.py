"""From a SavedModel to ONNX and LiteRT."""

from __future__ import annotations

import logging
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from zoo.exporting.saved_model import SERVING_DEFAULT

OPSET = 18
ONNX_FILE, LITERT_FILE = "model.onnx", "model.tflite"


def write_onnx(saved_model: Path, target: Path, signature: dict[str, Any], *, opset: int = OPSET) -> None:
    """Convert the signature `serving_default` with tf2onnx and check the file.

    Args:
        saved_model: folder of the SavedModel.
        target: the new file.
        signature: the `inputs` and `outputs` that the file must have.
        opset: the version of ONNX's operators.

    Raises:
        ValueError: an operation that ONNX lacks, or other inputs and outputs than the signature's.
    """
    import onnx

    _run_tf2onnx(saved_model, target.with_suffix(".zip"), opset)
    with tempfile.TemporaryDirectory(dir=target.parent) as parts:
        with zipfile.ZipFile(target.with_suffix(".zip")) as archive:
            archive.extractall(parts)
        target.with_suffix(".zip").unlink()
        model = onnx.load(str(Path(parts) / "__MODEL_PROTO.onnx"))
        shorten_names(model.graph, signature)
        onnx.save(model, str(target))
    onnx.checker.check_model(str(target), full_check=True)
    graph = onnx.load(str(target)).graph
    found = (sorted(value.name for value in graph.input), sorted(value.name for value in graph.output))
    wanted = (sorted(signature["inputs"]), sorted(signature["outputs"]))
    if found != wanted:
        raise ValueError(f"tf2onnx made a file with inputs and outputs {found}; expected {wanted}")


def shorten_names(graph: Any, signature: dict[str, Any]) -> None:
    """Take the names of the enclosing functions off: on every tensor, they are a tenth of a small network's file.

    Args:
        graph: of an ONNX model; changed in place.
        signature: the `inputs` and `outputs`, whose names stay.
    """
    graphs = _with_inner(graph)
    known = {name for inner in graphs for node in inner.node for name in (node.name, *node.input, *node.output)}
    known |= {value.name for inner in graphs for value in (*inner.initializer, *inner.input, *inner.output)}
    scopes = "|".join(map(re.escape, ("StatefulPartitionedCall", "PartitionedCall")))
    short = {name: re.sub(rf"^(?:Func/)?(?:(?:{scopes})/)+(?:[^/]+/(?=[^/]+/))?", "", name) for name in known}
    short |= {name: name for name in (*signature["inputs"], *signature["outputs"])}
    if len(set(short.values())) < len(short):
        return  # two networks in one graph: their names are no longer told apart
    for inner in graphs:
        for node in inner.node:
            node.name = short[node.name]
            node.input[:] = [short[name] for name in node.input]
            node.output[:] = [short[name] for name in node.output]
        for value in (*inner.initializer, *inner.input, *inner.output):
            value.name = short[value.name]
        del inner.value_info[:]


def _with_inner(graph: Any) -> list[Any]:
    """A graph and those inside of its loops and conditions."""
    graphs = [graph]
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                graphs += _with_inner(inner) if inner.node else []
    return graphs


def _run_tf2onnx(saved_model: Path, archive: Path, opset: int) -> None:
    """Run tf2onnx's command in this process: the functions behind it do not keep the signature's names.

    Its form for large models, a zip file, is taken for all of them: in the other form every optimization copies all
    weights, which for a network of 300 MB takes more memory than most machines have.
    """
    from tf2onnx import convert

    if not hasattr(np, "product"):  # tf2onnx 1.17 still calls the name that NumPy 2 dropped
        np.product = np.prod  # type: ignore[attr-defined]
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    words = ["--saved-model", str(saved_model), "--tag", "serve", "--signature_def", SERVING_DEFAULT, "--large_model"]
    before = sys.argv
    try:
        sys.argv = ["tf2onnx", *words, "--opset", str(opset), "--output", str(archive)]
        convert.main()
    finally:
        sys.argv = before


def write_litert(
    saved_model: Path, target: Path, *, quantize: str | None, io: str | None, samples: dict[str, np.ndarray] | None
) -> None:
    """Convert the signature `serving_default` with TensorFlow's converter.

    Args:
        saved_model: folder of the SavedModel.
        target: the new file.
        quantize: None, `"float16"` (weights) or `"int8"` (weights and activations).
        io: for `"int8"`, the type of inputs and outputs, `"int8"` or `"uint8"`; None leaves them float32. Then nothing
            in the file floats.
        samples: real inputs by name with a leading sample axis, for `"int8"`.

    Raises:
        ValueError: operations without a LiteRT kernel, all of them named.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved_model), signature_keys=[SERVING_DEFAULT])
    if quantize is not None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if quantize == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if quantize == "int8":
        assert samples is not None
        count = len(next(iter(samples.values())))
        converter.representative_dataset = lambda: (
            (SERVING_DEFAULT, {name: values[index : index + 1] for name, values in samples.items()})
            for index in range(count)
        )
    if io is not None:
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.as_dtype(io)
    target.write_bytes(converter.convert())


def integer_signature(file: Path, signature: dict[str, Any]) -> dict[str, Any]:
    """The signature with the types of a LiteRT file, and the scale and zero point of each integer that stands for more.

    A number is `scale * (integer - zero_point)`.
    """
    import tensorflow as tf

    runner = tf.lite.Interpreter(model_path=str(file)).get_signature_runner(SERVING_DEFAULT)
    details = {"inputs": runner.get_input_details(), "outputs": runner.get_output_details()}
    return {
        part: {name: spec | _quantized(details[part][name]) for name, spec in specs.items()}
        for part, specs in signature.items()
    }


def _quantized(detail: dict[str, Any]) -> dict[str, Any]:
    scale, zero_point = detail["quantization"]
    stands = {"scale": float(scale), "zero_point": int(zero_point)} if scale else {}
    return {"dtype": np.dtype(detail["dtype"]).name, **stands}
