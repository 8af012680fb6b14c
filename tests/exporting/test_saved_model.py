"""The SavedModel: what is in it, what it answers, and who can load it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.exporting.conftest import relative, report
from zoo.exporting.saved_model import list_operators

pytestmark = pytest.mark.once

# Operations that TensorFlow Serving's standard build runs without a further library.
_NAMES = """
AddV2 All AssignVariableOp BatchMatMulV2 BiasAdd BroadcastTo Cast ConcatV2 Const Conv2D Cumsum DecodeJpeg DecodePng
DisableCopyOnRead Elu EnsureShape Equal ExpandDims Fill Floor FloorDiv FloorMod GatherV2 GreaterEqual Identity
IdentityN If
Less LogicalAnd LogicalOr MatMul Max MaxPool Maximum Mean MergeV2Checkpoints Minimum Mul NoOp NotEqual OnesLike
Pack Pad Placeholder Prod ReadVariableOp RealDiv Relu Reshape RestoreV2 ReverseV2 Rsqrt SaveV2 ScaleAndTranslate
Select SelectV2 Shape ShardedFilename Sigmoid Softmax Split Sqrt Square Squeeze StatefulPartitionedCall StatelessIf
StatelessWhile StaticRegexFullMatch StridedSlice StringJoin Sub Substr Sum Tanh TensorListFromTensor TensorListGetItem
TensorListReserve TensorListSetItem TensorListStack Tile Transpose Unpack UnsortedSegmentSum VarHandleOp ZerosLike
"""
PLAIN = frozenset(_NAMES.split())


def test_report(saved_model: Path) -> None:
    found = report(saved_model)
    assert (found["name"], found["tag"], found["format"], found["labels"]) == (
        "e4resnet18_p4_cifar10",
        None,
        "savedmodel",
        list("01234"),
    )
    assert found["inputs"] == {"image": {"dtype": "float32", "shape": [None, 16, 16, 3]}}
    assert {name: spec["shape"] for name, spec in found["outputs"].items()} == {
        "logits": [None, 5],
        "probabilities": [None, 5],
    }
    assert found["signatures"]["serving_bytes"]["inputs"] == {"image_bytes": {"dtype": "string", "shape": [None]}}
    sizes = {tuple(check["inputs"].get("image", [])) for check in found["checks"]}
    assert sizes >= {(1, 16, 16, 3), (4, 16, 16, 3)}
    assert {check["signature"] for check in found["checks"]} == {"serving_default", "serving_bytes"}
    assert found["max_difference"] <= 1e-5 and found["tolerance"] == ["max_difference", 1e-5]


def test_version_folder(saved_model: Path) -> None:
    assert (saved_model.parent.name, saved_model.name) == ("e4resnet18_p4_cifar10", "1")
    assert [path.name for path in saved_model.parent.iterdir()] == ["1"]


def test_only_plain_operations(saved_model: Path) -> None:
    found = set(list_operators(saved_model))
    assert found <= PLAIN, f"not in the list: {sorted(found - PLAIN)}"


def test_each_variable_is_stored_once(saved_model: Path, network: keras.Model) -> None:
    tf = pytest.importorskip("tensorflow")
    reader = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    shapes = {key: shape for key, shape in reader.get_variable_to_shape_map().items() if not key.startswith("_")}
    wanted = sorted(tuple(weight.shape) for weight in network.weights)
    assert sorted(map(tuple, shapes.values())) == wanted
    size = (saved_model / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert 0 <= size - 4 * sum(int(np.prod(shape)) for shape in wanted) < 16_384


@pytest.fixture(scope="module")
def loaded(saved_model: Path) -> Any:
    return pytest.importorskip("tensorflow").saved_model.load(str(saved_model))


def test_it_gives_the_numbers_of_the_users_model(loaded: Any, images: np.ndarray, logits: np.ndarray) -> None:
    import tensorflow as tf

    outputs = loaded.signatures["serving_default"](image=tf.constant(images))
    assert relative(outputs["logits"], logits) <= 1e-5
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert relative(outputs["probabilities"], exponentials / exponentials.sum(axis=1, keepdims=True)) <= 1e-5


def test_files_in_give_what_arrays_give(loaded: Any, images: np.ndarray, logits: np.ndarray) -> None:
    import tensorflow as tf

    encoded = [tf.io.encode_png(image.astype("uint8")) for image in images]
    outputs = loaded.signatures["serving_bytes"](image_bytes=tf.stack(encoded))
    assert relative(outputs["logits"], logits) <= 1e-5


@pytest.mark.parametrize("content", [b"hello", b"", b"\xff\xd8\xff\xe0 broken"])
def test_undecodable_bytes_are_a_clear_error(loaded: Any, content: bytes) -> None:
    import tensorflow as tf

    with pytest.raises(tf.errors.InvalidArgumentError, match="(?i)jpeg|png"):
        loaded.signatures["serving_bytes"](image_bytes=tf.constant([content]))


def test_warmup_requests_can_be_replayed(loaded: Any, saved_model: Path) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    file = saved_model / "assets.extra" / "tf_serving_warmup_requests"
    batches = []
    for record in tf.data.TFRecordDataset(str(file)):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "e4resnet18_p4_cifar10"
        inputs = {name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()}
        outputs = loaded.signatures[request.model_spec.signature_name](**inputs)
        batches.append(len(outputs["logits"]))
    assert batches == [1, 8, 32]


@pytest.mark.skipif(sys.platform != "linux", reason="the names of TensorFlow's libraries are those on Linux")
def test_it_loads_through_the_c_api(saved_model: Path, images: np.ndarray, logits: np.ndarray, tmp_path: Path) -> None:
    """No Python TensorFlow, Keras or zoo in that process: the script itself asserts it."""
    np.savez(tmp_path / "in.npz", image=images)
    script = Path(__file__).with_name("saved_model_c_api.py")
    command = [sys.executable, "-P", str(script), str(saved_model), "in.npz", "out.npz"]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    with np.load(tmp_path / "out.npz") as outputs:
        assert set(outputs) == {"logits", "probabilities"}
        assert relative(outputs["logits"], logits) <= 1e-5
