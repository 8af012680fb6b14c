"""A client as one writes it against tensorflow-serving-api, with nothing of zoo in it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.serving import artifacts

grpc = pytest.importorskip("grpc", reason="gRPC needs the extra `serving`")
pytest.importorskip("tensorflow_serving", reason="gRPC needs the extra `serving`")

import tensorflow as tf  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from zoo.serving import Settings, serve  # noqa: E402

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def channel(models):
    settings = Settings(max_body_bytes=100_000, max_rows=40)
    server = serve(model_dir=models, port=0, grpc_port=0, labels={"stable": 1}, settings=settings, wait=False)
    with server, grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield channel


@pytest.fixture
def prediction(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def predict_request(tensor=None, name="net"):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    if tensor is not None:
        request.inputs["image"].CopyFrom(tensor)
    return request


@pytest.mark.parametrize("dense", [True, False], ids=["tensor_content", "float_val"])
def test_predict(prediction, dense):
    images = artifacts.images(3)
    tensor = tf.make_tensor_proto(images)
    if not dense:
        tensor.ClearField("tensor_content")
        tensor.float_val.extend(images.ravel().tolist())
    request = predict_request(tensor)
    request.model_spec.signature_name = "serving_default"
    response = prediction.Predict(request, timeout=10)
    assert response.model_spec.version.value == 2 and response.model_spec.signature_name == "serving_default"
    for name, value in artifacts.expected(images, 2).items():
        np.testing.assert_allclose(tf.make_ndarray(response.outputs[name]), value, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(response.outputs[name].float_val, value.ravel(), rtol=1e-5, atol=1e-6)


def test_versions_labels_and_filters(prediction):
    images = artifacts.images(1)
    by_number, by_label = predict_request(tf.make_tensor_proto(images)), predict_request(tf.make_tensor_proto(images))
    by_number.model_spec.version.value = 1
    by_label.model_spec.version_label = "stable"
    by_label.output_filter.append("logits")
    for request in (by_number, by_label):
        response = prediction.Predict(request, timeout=10)
        assert response.model_spec.version.value == 1
        expected = artifacts.expected(images, 1)["logits"]
        np.testing.assert_allclose(tf.make_ndarray(response.outputs["logits"]), expected, rtol=1e-5, atol=1e-6)
    assert list(response.outputs) == ["logits"]


def test_metadata(prediction):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "net"
    request.metadata_field.append("signature_def")
    response = prediction.GetModelMetadata(request, timeout=10)
    definitions = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(definitions)
    image = definitions.signature_def["serving_default"].inputs["image"]
    assert image.dtype == tf.float32.as_datatype_enum and [side.size for side in image.tensor_shape.dim] == [
        -1,
        4,
        4,
        1,
    ]
    request.metadata_field[:] = ["other"]
    with pytest.raises(grpc.RpcError) as caught:
        prediction.GetModelMetadata(request, timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_status(channel):
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "net"
    entries = stub.GetModelStatus(request, timeout=10).model_version_status
    available = get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert [(entry.version, entry.state, entry.status.error_code) for entry in entries] == [
        (2, available, 0),
        (1, available, 0),
    ]
    request.model_spec.name = "other"
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetModelStatus(request, timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == "Could not find any versions of model other"


def lying_tensor():
    """A short message that claims gigabytes: one value, repeated."""
    tensor = tf.make_tensor_proto(np.zeros((1, 4, 4, 1), np.float32))
    tensor.ClearField("tensor_content")
    tensor.float_val.append(1.0)
    tensor.tensor_shape.dim[0].size = 2**40
    return tensor


def short_tensor():
    tensor = tf.make_tensor_proto(artifacts.images(1))
    tensor.tensor_content = tensor.tensor_content[:10]
    return tensor


def negative_tensor():
    tensor = tf.make_tensor_proto(artifacts.images(1))
    tensor.tensor_shape.dim[0].size = -1
    return tensor


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        (predict_request(name="other"), "NOT_FOUND", "Servable not found for request: Latest(other)"),
        (predict_request(), "INVALID_ARGUMENT", "expected: image; got: none"),
        (predict_request(tf.make_tensor_proto([[1.0]])), "INVALID_ARGUMENT", "expected shape [-1, 4, 4, 1]"),
        (predict_request(tf.make_tensor_proto([[1]])), "INVALID_ARGUMENT", "expected float32; got int32"),
        (predict_request(tf.make_tensor_proto(artifacts.images(41))), "INVALID_ARGUMENT", "1 to 40 rows"),
        (predict_request(tf.make_tensor_proto(artifacts.images(0))), "INVALID_ARGUMENT", "1 to 40 rows"),
        (predict_request(lying_tensor()), "INVALID_ARGUMENT", "larger than 100000 bytes"),
        (predict_request(short_tensor()), "INVALID_ARGUMENT", "malformed"),
        (predict_request(negative_tensor()), "INVALID_ARGUMENT", "malformed"),
        (predict_request(tf.make_tensor_proto(np.zeros(200_000, np.float32))), "RESOURCE_EXHAUSTED", "larger than max"),
    ],
)
def test_bad_requests(prediction, request_, code, message):
    with pytest.raises(grpc.RpcError) as caught:
        prediction.Predict(request_, timeout=10)
    assert caught.value.code().name == code and message in caught.value.details()


def test_bad_choices(prediction):
    for change in ({"signature_name": "foo"}, {"version_label": "foo"}):
        request = predict_request(tf.make_tensor_proto(artifacts.images(1)))
        for field, value in change.items():
            setattr(request.model_spec, field, value)
        with pytest.raises(grpc.RpcError) as caught:
            prediction.Predict(request, timeout=10)
        assert "foo" in caught.value.details()


def test_what_is_not_offered(prediction):
    with pytest.raises(grpc.RpcError) as caught:
        prediction.Classify(classification_pb2.ClassificationRequest(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_an_output_that_is_asked_for_twice(prediction):
    request = predict_request(tf.make_tensor_proto(artifacts.images(1)))
    request.output_filter.extend(["logits", "logits"])
    with pytest.raises(grpc.RpcError) as caught:
        prediction.Predict(request, timeout=10)
    assert caught.value.code().name == "INVALID_ARGUMENT" and '"logits" twice' in caught.value.details()


def test_health(channel):
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    assert check(b"", timeout=10) == check(b"\x0a\x03net", timeout=10) == b"\x08\x01"  # SERVING
    with pytest.raises(grpc.RpcError) as caught:
        check(b"\x0a\x05other", timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_reflection(channel):
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    question = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([question]), timeout=10)
    newer = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    assert list(newer(iter([question]), timeout=10)) == [answer]
    names = {service.name for service in answer.list_services_response.service}
    assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService", "grpc.health.v1.Health"} <= names


def test_limits_of_messages(models):
    settings = Settings(grpc_receive_bytes=1000, grpc_send_bytes=200)
    with (
        serve(model_dir=models, port=0, grpc_port=0, settings=settings, wait=False) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        assert stub.Predict(predict_request(tf.make_tensor_proto(artifacts.images(1))), timeout=10).outputs
        for rows in (10, 14):  # the answer is too long, and the request is
            with pytest.raises(grpc.RpcError) as caught:
                stub.Predict(predict_request(tf.make_tensor_proto(artifacts.images(rows))), timeout=10)
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_types_that_cannot_be_sent():
    import ml_dtypes

    from zoo.serving.errors import RequestError
    from zoo.serving.grpc_tensors import fill

    with pytest.raises(RequestError, match="type float8_e5m2, which cannot be sent"):
        fill(tf.make_tensor_proto([0]), np.zeros(2, ml_dtypes.float8_e5m2))


def test_other_types_of_outputs():
    import ml_dtypes

    from zoo.serving.grpc_tensors import fill

    for array in (
        np.array([1.5, -2], ml_dtypes.bfloat16),
        np.array([[1.5, -2], [3, 4]], np.float16).T,
        np.array([[1 + 2j, -3j]], np.complex64),
        np.array([1e300 - 2j], np.complex128),
        np.array([2**32 - 1], np.uint32),
        np.array([2**64 - 1], np.uint64),
        np.array([-(2**63)], np.int64),
        np.array(2.5, np.float64),
        np.array(b"x", object),
        np.array([[1.5, -2]], np.float16),
        np.array([1, 2], np.int64),
        np.array([250], np.uint8),
        np.array([True, False]),
        np.array([[b"a"], [b"\xff"]], object),
    ):
        proto = tf.make_tensor_proto([0])
        proto.Clear()
        fill(proto, array)
        read = tf.make_ndarray(proto)
        assert read.dtype == array.dtype and read.shape == array.shape and (read == array).all()
