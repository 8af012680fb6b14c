"""A runner whose answer depends on one corner of the image, and a version folder with the same as a real model."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.serving.runners import Facts, Signature, TensorSpec

LABELS = ("bright", "dark", "neither")
SIDE = 24


class CornerRunner:
    """Says "bright" the surer, the brighter the 6 x 6 pixels at the lower left are."""

    engine = "onnx"
    facts = Facts("corner_mnistrot", "image-classification", LABELS)

    def __init__(self, *, shape=(None, SIDE, SIDE, 1), outputs=("logits", "probabilities"), labels=LABELS) -> None:
        self.labels, self.names, self.sizes = labels, outputs, []
        self.inputs = {"image": TensorSpec(np.dtype(np.float32), shape)}
        self.outputs = {name: TensorSpec(np.dtype(np.float32), (None, 3)) for name in outputs}
        self.signatures = {"serving_default": Signature(self.inputs, self.outputs)}

    def run(self, inputs, signature="serving_default"):
        (images,) = inputs.values()
        assert images.dtype == np.float32 and images.shape[1:] == (SIDE, SIDE, 1)
        self.sizes.append(len(images))
        score = images[:, -6:, :6].mean(axis=(1, 2, 3)) / 255 * 8 - 4
        logits = np.stack([score, -score, np.zeros_like(score)], axis=1)
        odds = np.exp(logits)
        values = {"logits": logits, "probabilities": odds / odds.sum(axis=1, keepdims=True)}
        return {name: values.get(name, logits[:, 0]) for name in self.names}


def picture(side=SIDE, kind="PNG", mode="L"):
    """A file with an image whose lower left quarter of the sides is bright."""
    pixels = np.full((side, side), 20, np.uint8)
    pixels[-side // 4 :, : side // 4] = 250
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, kind)
    return file.getvalue()


def write_version(folder: Path) -> Path:
    """A version folder with an ONNX model that does what `CornerRunner` does."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.zeros((SIDE, SIDE), np.float32)
    weights[-6:, :6] = 8 / 255 / 36
    kernel = np.stack([weights.ravel(), -weights.ravel(), 0 * weights.ravel()], axis=1)
    constants = {"kernel": kernel, "bias": np.array([-4, 4, 0], np.float32), "flat": np.array([-1, SIDE * SIDE])}
    nodes = [
        helper.make_node("Reshape", ["image", "flat"], ["pixels"]),
        helper.make_node("Gemm", ["pixels", "kernel", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "corner",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, SIDE, SIDE, 1])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 3]) for name in ("logits", "probabilities")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    (folder / "assets.extra").mkdir(parents=True)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), folder / "model.onnx"
    )
    facts = {"name": "corner_mnistrot", "task": "image-classification", "labels": LABELS}
    (folder / "assets.extra" / "zoo.json").write_text(json.dumps(facts))
    return folder
