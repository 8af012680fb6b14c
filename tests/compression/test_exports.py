"""Compressed models in other programs: `zoo.export` compares each file with its Keras model in a fresh process."""

import json

import pytest

import zoo
from tests.compression.networks import made
from zoo.compression import compress, prune

FILES = {"savedmodel": "saved_model.pb", "onnx": "model.onnx", "litert": "model.tflite"}


@pytest.mark.large
@pytest.mark.filterwarnings("ignore:pruning. ")
@pytest.mark.parametrize("format", FILES)
@pytest.mark.parametrize("mode", ["mask", "compact"])
def test_files_agree(tmp_path, mode, format):
    pytest.importorskip("onnxruntime" if format == "onnx" else "tensorflow", reason="a runtime to compare with")
    model = made("resnet")
    prune(model, 0.75, scope="layer")
    version = zoo.export(compress(model, mode), tmp_path, name="small", format=format)
    assert (version / FILES[format]).is_file()
    assert json.loads((version / "assets.extra" / "zoo.json").read_text())["checks"]
