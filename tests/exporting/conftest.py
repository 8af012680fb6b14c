"""Exports shared by the tests: each costs two child processes, so each is made once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import randomize


def report(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "assets.extra" / "zoo.json").read_text("utf-8"))


def predict(model: keras.Model, inputs: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))


def relative(actual: Any, expected: np.ndarray) -> float:
    return float(np.abs(np.asarray(actual) - expected).max() / np.abs(expected).max())


@pytest.fixture(scope="session")
def network() -> keras.Model:
    """A small network of the family, its norms' statistics included: what a user might have trained."""
    keras.utils.set_random_seed(5)
    small = {"input_shape": (16, 16, 3), "num_classes": 5, "widths": (4, 8), "blocks": (1, 1)}
    model = zoo.build("e4resnet18_p4_cifar10", **small)
    randomize(model, 5)
    return model


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(9).integers(0, 256, (5, 16, 16, 3)).astype("float32")


@pytest.fixture(scope="session")
def logits(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the user's model answers on the user's backend."""
    return np.asarray(network.predict_on_batch(images))


@pytest.fixture(scope="session")
def saved_model(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in memory as a SavedModel, with warm-up requests."""
    pytest.importorskip("tensorflow_serving", reason="needs zoo[serving]")
    return zoo.export(network, tmp_path_factory.mktemp("savedmodel"), warmup=True)


@pytest.fixture(scope="session")
def onnx_file(network: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights as ONNX."""
    pytest.importorskip("tf2onnx", reason="needs zoo[onnx]")
    folder = zoo.save(network, tmp_path_factory.mktemp("weights"), card={"labels": list("abcde")})
    return zoo.export(folder, tmp_path_factory.mktemp("onnx"), format="onnx")


@pytest.fixture(scope="session")
def graph_net() -> keras.Model:
    """A model of the user's own on graphs: nodes and the edges between them, of any number."""
    keras.utils.set_random_seed(6)
    x = keras.Input((None, 3), name="x")
    edges = keras.Input((None, 2), dtype="int32", name="edges")
    mixed = keras.layers.Dense(4, activation="tanh", name="mix")(x)
    ends = keras.ops.take_along_axis(mixed, keras.ops.expand_dims(edges[..., 1], -1), axis=1)
    received = mixed + keras.ops.mean(ends, axis=1, keepdims=True)
    return keras.Model({"x": x, "edges": edges}, keras.layers.Dense(2, name="score")(received), name="ring")


@pytest.fixture(scope="session")
def graph_file(graph_net: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tf2onnx", reason="needs zoo[onnx]")
    return zoo.export(graph_net, tmp_path_factory.mktemp("graph"), format="onnx")


@pytest.fixture(scope="session")
def small_net() -> keras.Model:
    """A convolution net that converts in no time."""
    keras.utils.set_random_seed(7)
    x = inputs = keras.Input((8, 8, 1), name="picture")
    x = keras.layers.Rescaling(1 / 255, name="scale")(x)
    x = keras.layers.Conv2D(8, 3, activation="relu", name="conv")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="score")(x), name="small")


@pytest.fixture(scope="session")
def pictures() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (40, 8, 8, 1), dtype="uint8")


@pytest.fixture(scope="session")
def int8_file(small_net: keras.Model, pictures: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("int8")
    return zoo.export(small_net, target, format="litert", quantize="int8", samples=pictures)
