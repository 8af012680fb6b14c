"""The files in examples/serving: they parse, agree with one another, and the client works against this server."""

from __future__ import annotations

import importlib.util
import io
import re
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.serving import artifacts
from zoo.serving import serve, sources

pytestmark = pytest.mark.once


IMAGE = re.compile(r"tensorflow/serving:(\d+\.\d+\.\d+)")


@pytest.fixture(scope="module")
def folder(root: Path) -> Path:
    return root / "examples" / "serving"


@pytest.fixture(scope="module")
def client(folder: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("serving_client", folder / "client.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documents(path: Path) -> list[dict]:
    yaml = pytest.importorskip("yaml", reason="reads the YAML examples")
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def model_config(text: str):
    text_format = pytest.importorskip("google.protobuf.text_format", reason="needs zoo[serving]")
    configs = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2", reason="needs zoo[serving]")
    (entry,) = text_format.Parse(text, configs.ModelServerConfig()).model_config_list.config
    return entry


def batching_parameters():
    """A message class with the fields of TensorFlow Serving's BatchingParameters, which no package ships.

    Source: session_bundle_config.proto of TensorFlow Serving.
    """
    pytest.importorskip("google.protobuf", reason="needs zoo[serving]")
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="batching.proto", package="zootest", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    message = file.message_type.add(name="BatchingParameters")
    wrapped = {1: "max_batch_size", 2: "batch_timeout_micros", 3: "max_enqueued_batches", 4: "num_batch_threads"}
    for number, name in wrapped.items():
        kind = ".google.protobuf.Int64Value"
        message.field.add(name=name, number=number, type=field.TYPE_MESSAGE, type_name=kind, label=field.LABEL_OPTIONAL)
    sizes = {"type": field.TYPE_INT64, "label": field.LABEL_REPEATED}
    message.field.add(name="allowed_batch_sizes", number=6, **sizes)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("zootest.BatchingParameters"))


def test_models_config_names_a_model_of_the_zoo(folder):
    entry = model_config((folder / "models.config").read_text("utf-8"))
    assert zoo.list_models(entry.name, pretrained=True) == [entry.name]
    assert entry.base_path == f"/models/{entry.name}" and entry.model_platform == "tensorflow"
    assert entry.model_version_policy.latest.num_versions == 2


def test_batching_parameters(folder):
    from google.protobuf import text_format

    parameters = text_format.Parse((folder / "batching.config").read_text("utf-8"), batching_parameters()())
    sizes = list(parameters.allowed_batch_sizes)
    assert sizes == sorted(set(sizes)) and sizes[-1] == parameters.max_batch_size.value
    assert parameters.batch_timeout_micros.value == 2000 and parameters.num_batch_threads.value > 0


def test_compose_mounts_what_its_flags_name(folder):
    (compose,) = documents(folder / "docker-compose.yml")
    service = compose["services"]["serving"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in service["volumes"])
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    for flag in ("model_config_file", "batching_parameters_file"):
        (source,) = (source for source, target in mounts.items() if target == flags[flag])
        assert (folder / source).is_file()
    assert mounts["./models"] == "/models"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert {port.split(":")[2] for port in service["ports"]} == {"8500", "8501"}


def test_one_pinned_image_everywhere(folder):
    (compose,) = documents(folder / "docker-compose.yml")
    (kserve,) = documents(folder / "kserve.yaml")
    deployment, _ = documents(folder / "kubernetes.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    images = [compose["services"]["serving"]["image"], container["image"]]
    versions = {match[1] for image in images if (match := IMAGE.fullmatch(image))}
    assert versions == {kserve["spec"]["predictor"]["model"]["runtimeVersion"]}


def test_kubernetes_files_agree(folder):
    (kserve,) = documents(folder / "kserve.yaml")
    deployment, service = documents(folder / "kubernetes.yaml")
    model = model_config((folder / "models.config").read_text("utf-8")).name
    assert kserve["kind"] == "InferenceService" and kserve["metadata"]["name"] == model.replace("_", "-")
    assert kserve["spec"]["predictor"]["model"]["storageUri"] == f"pvc://models/{model}"
    pod = deployment["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"]: port["port"] for port in service["spec"]["ports"]} == ports
    assert container["env"] == [{"name": "MODEL_NAME", "value": model}]
    assert container["readinessProbe"]["httpGet"]["path"] == f"/v1/models/{model}"
    (mount,), (volume,) = container["volumeMounts"], pod["spec"]["volumes"]
    assert mount["name"] == volume["name"] and mount["mountPath"] == "/models"


@pytest.mark.parametrize("kind", ["onnx", "saved_model"])
def test_the_client_over_rest_and_grpc(client, kind, models, request, capsys, monkeypatch, tmp_path):
    pytest.importorskip("tensorflow_serving", reason="gRPC needs zoo[serving]")
    folder = models if kind == "onnx" else request.getfixturevalue("saved_model").parents[1]
    image = artifacts.images(1)
    file = io.BytesIO()
    Image.fromarray(image[0].astype(np.uint8).squeeze()).save(file, "PNG")
    with serve(model_dir=folder, port=0, grpc_port=0, wait=False) as server:
        rest = client.ask_rest(server.url, "net", file.getvalue())
        grpc = client.ask_grpc(f"127.0.0.1:{server.grpc_port}", "net", file.getvalue())
        (tmp_path / "image.png").write_bytes(file.getvalue())
        arguments = ["client.py", str(tmp_path / "image.png"), "--model", "net", "--rest", server.url]
        monkeypatch.setattr("sys.argv", arguments)
        client.main()
        monkeypatch.setattr("sys.argv", [*arguments[:3], "other", *arguments[4:]])
        with pytest.raises(SystemExit, match="the server says: Servable not found"):
            client.main()
    version = 2 if kind == "onnx" else 1
    expected = artifacts.expected(np.round(image).astype(np.uint8).astype(np.float32), version)["probabilities"][0]
    np.testing.assert_allclose(rest, expected, atol=1e-5)
    np.testing.assert_allclose(grpc, rest, atol=1e-6)
    assert capsys.readouterr().out.startswith(f"class {expected.argmax()}, probability ")


@pytest.mark.large  # a real export: two child processes
def test_the_steps_of_the_readme(client, folder, root, tmp_path):
    """Export, models.config with the container's path replaced, serve, ask."""
    pytest.importorskip("tensorflow_serving", reason="models.config needs zoo[serving]")
    zoo.export("e4net_mnistrot", tmp_path / "models")
    text = (folder / "models.config").read_text("utf-8").replace("/models/", f"{tmp_path}/models/")
    (tmp_path / "models.config").write_text(text)
    assert [config.name for config in sources.from_file(tmp_path / "models.config")] == ["e4net_mnistrot"]
    digit = (root / "examples/images/mnistrot/digit_00.png").read_bytes()
    with serve(config_file=tmp_path / "models.config", port=0, grpc_port=0, wait=False) as server:
        rest = client.ask_rest(server.url, "e4net_mnistrot", digit)
        grpc = client.ask_grpc(f"127.0.0.1:{server.grpc_port}", "e4net_mnistrot", digit)
    np.testing.assert_allclose(grpc, rest, atol=1e-6)
    assert int(np.argmax(rest)) == 5
