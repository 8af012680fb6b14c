"""Version folders small enough for tests, written without Keras: both engines run the same network."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

HEIGHT, WIDTH, CLASSES = 4, 4, 3
LABELS = ("left", "middle", "right")
SHAPE = (HEIGHT, WIDTH, 1)


def weights(version: int) -> np.ndarray:
    """The network: logits are `pixels @ weights`, so that a version can be told by its answers."""
    rng = np.random.default_rng(version)
    return rng.normal(size=(HEIGHT * WIDTH, CLASSES)).astype(np.float32) / 64


def expected(images: np.ndarray, version: int = 1) -> dict[str, np.ndarray]:
    """What the network answers, in NumPy."""
    logits = images.reshape(len(images), -1).astype(np.float32) @ weights(version)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return {"logits": logits, "probabilities": powers / powers.sum(axis=1, keepdims=True)}


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *SHAPE)).astype(np.float32)


def write_onnx(folder: Path, version: int = 1) -> Path:
    """`<folder>/<version>/model.onnx`, renamed into place."""
    from onnx import TensorProto, helper, numpy_helper, save

    specs = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", *SHAPE])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", CLASSES])
        for name in ("logits", "probabilities")
    ]
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    constants = [
        numpy_helper.from_array(np.array([-1, HEIGHT * WIDTH], np.int64), "shape"),
        numpy_helper.from_array(weights(version), "weights"),
    ]
    graph = helper.make_graph(nodes, "net", specs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    stage = folder / ".stage"
    stage.mkdir(parents=True)
    save(model, str(stage / "model.onnx"))
    return _finish(stage, version)


def write_saved_model(folder: Path, version: int = 1) -> Path:
    """`<folder>/<version>/saved_model.pb` and its variables, renamed into place."""
    import tensorflow as tf

    class Net(tf.Module):
        def __init__(self) -> None:
            self.weights = tf.Variable(weights(version))

        @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32, name="image")])
        def default(self, image):
            logits = tf.reshape(image, (-1, HEIGHT * WIDTH)) @ self.weights
            return {"logits": logits, "probabilities": tf.nn.softmax(logits)}

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.string, name="image_bytes")])
        def encoded(self, image_bytes):
            decode = lambda one: tf.image.resize(tf.io.decode_png(one, channels=1), SHAPE[:2])  # noqa: E731
            pixels = tf.map_fn(decode, image_bytes, fn_output_signature=tf.TensorSpec(SHAPE, tf.float32))
            return self.default(pixels)

    net, stage = Net(), folder / ".stage"
    signatures = {"serving_default": net.default, "serving_bytes": net.encoded}
    tf.saved_model.save(net, str(stage), signatures=signatures)
    return _finish(stage, version)


def _finish(stage: Path, version: int) -> Path:
    (stage / "assets.extra").mkdir()
    facts = {"name": "net", "task": "image-classification", "labels": LABELS, "rows_independent": True}
    (stage / "assets.extra" / "zoo.json").write_text(json.dumps(facts))
    return stage.rename(stage.parent / str(version))
