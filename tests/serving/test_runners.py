from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.serving import artifacts
from zoo.serving import open_runner
from zoo.serving.runners import Runner

pytestmark = pytest.mark.once


@pytest.fixture(params=["onnx", "tensorflow"])
def runner(request, models):
    """The same network on both engines."""
    if request.param == "onnx":
        return open_runner(models / "net" / "1")
    pytest.importorskip("tensorflow", reason="SavedModels need TensorFlow")
    return open_runner(request.getfixturevalue("saved_model"))


def test_facts(runner):
    assert isinstance(runner, Runner) and runner.engine in ("onnx", "tensorflow")
    assert runner.labels == artifacts.LABELS and runner.facts.task == "image-classification"
    assert list(runner.inputs) == ["image"] and runner.inputs["image"].shape == (None, *artifacts.SHAPE)
    assert runner.inputs["image"].dtype == np.float32 and set(runner.outputs) == {"logits", "probabilities"}


@pytest.mark.parametrize("rows", [1, 5])
def test_numbers(runner, rows):
    images = artifacts.images(rows)
    outputs = runner.run({"image": images})
    for name, value in artifacts.expected(images).items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-6)


def test_the_model_refuses_with_a_value_error(runner):
    with pytest.raises(ValueError):
        runner.run({"image": np.zeros((1, 3), np.float32)})


def test_encoded_images_in_the_graph(saved_model):
    file = io.BytesIO()
    pixels = artifacts.images(1)[0, ..., 0].astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    outputs = open_runner(saved_model).run({"image_bytes": np.array([file.getvalue()], object)}, "serving_bytes")
    np.testing.assert_allclose(outputs["logits"], artifacts.expected(artifacts.images(1))["logits"], rtol=1e-5)


def test_an_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Expected model.onnx or saved_model.pb in .*; there is none"):
        open_runner(tmp_path)


def test_the_engine_must_match(models):
    with pytest.raises(FileNotFoundError, match="Expected saved_model.pb"):
        open_runner(models / "net" / "1", engine="tensorflow")
    with pytest.raises(ValueError, match="Expected an engine of onnx, tensorflow; got 'torch'"):
        open_runner(models / "net" / "1", engine="torch")


@pytest.mark.parametrize("name", ["model.onnx", "saved_model.pb"])
def test_a_damaged_model(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be opened by"):
        open_runner(tmp_path)


def test_damaged_facts(tmp_path):
    folder = artifacts.write_onnx(tmp_path)
    (folder / "assets.extra" / "zoo.json").write_text("{")
    with pytest.raises(ValueError, match=r"zoo.json is damaged"):
        open_runner(folder)


def test_a_model_of_somebody_else_has_no_facts(tmp_path):
    folder = artifacts.write_onnx(tmp_path)
    (folder / "assets.extra" / "zoo.json").unlink()
    assert open_runner(folder).labels == ()
    (folder / "assets.extra" / "zoo.json").write_text(json.dumps({"labels": None}))
    assert open_runner(folder).labels == ()
