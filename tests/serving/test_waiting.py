"""Work that nobody waits for is not done, and rows are joined only where they do not depend on each other."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

import numpy as np
import pytest

from tests.serving import artifacts
from tests.serving.clients import Client
from tests.serving.test_batching import Engine, batcher, rows
from zoo.serving.settings import ModelConfig
from zoo.serving.sources import with_batching

pytestmark = pytest.mark.once

BODY = json.dumps({"instances": artifacts.images(1).tolist()}).encode()
REQUEST = b"POST /v1/models/net:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY


def until(condition) -> None:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    assert condition()


class Gate:
    """Holds up the runs of a served version and counts their rows."""

    def __init__(self, server, monkeypatch, version=2) -> None:
        self.loaded = server.service.model("net")._available[version]
        self.batcher = self.loaded._batchers["serving_default"]
        self.rows: list[int] = []
        self.go, self.entered = threading.Event(), threading.Event()
        run = self.loaded.runner.run

        def held_up(inputs, *names):
            self.rows.append(len(inputs["image"]))
            self.entered.set()
            assert self.go.wait(20)
            return run(inputs, *names)

        monkeypatch.setattr(self.loaded.runner, "run", held_up)

    def waiting(self, count: int) -> None:
        until(lambda: len(self.batcher._waiting) == count)


def test_a_cancelled_request_leaves_the_queue():
    engine = Engine()
    engine.go.clear()
    made = batcher(engine, max_rows=1)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.run, rows(0), joinable=True)
        assert engine.started.wait(10)
        given_up, kept = made.submit(rows(1), joinable=True), made.submit(rows(2), joinable=True)
        told: list = []
        third = pool.submit(made.run, rows(3), joinable=True, waiting=told.append)
        until(lambda: len(made._waiting) == 3 and told)
        assert given_up.cancel() and told[0].cancel() and len(made._waiting) == 1
        engine.go.set()
        assert first.result(10)["y"].tolist() == [[0]] and kept.result(10)["y"].tolist() == [[4]]
        with pytest.raises(CancelledError):
            third.result(10)
    assert engine.batches == [1, 1]
    made.close()
    until(lambda: made._threads == 0)


@pytest.mark.parametrize("half", [False, True], ids=["gone", "half closed"])
def test_requests_of_clients_that_have_gone_are_not_run(start, models, monkeypatch, half):
    server = start(model_dir=models, max_batch_size=1)
    gate = Gate(server, monkeypatch)
    client = Client(server.port)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.predict, BODY)
        assert gate.entered.wait(10)
        gone = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(5)]
        for connection in gone:
            connection.sendall(REQUEST)
        gate.waiting(5)
        for connection in gone:
            if half:
                connection.shutdown(socket.SHUT_WR)
                assert b" 400 " in connection.recv(65_536).splitlines()[0]
            connection.close()
        gate.waiting(0)
        gate.go.set()
        assert first.result(20).status == 200 and client.predict(BODY).status == 200
    assert gate.rows == [1, 1]
    until(lambda: server.service.busy == 0 and gate.loaded.users == 0)
    client.close()


def test_calls_that_are_given_up_are_not_run(start, models, monkeypatch):
    grpc = pytest.importorskip("grpc", reason="gRPC needs the extra `serving`")
    tf = pytest.importorskip("tensorflow")
    apis = pytest.importorskip("tensorflow_serving.apis", reason="gRPC needs the extra `serving`")
    from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

    assert apis
    server = start(model_dir=models, grpc_port=0, max_batch_size=1)
    gate = Gate(server, monkeypatch)
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "net"
    request.inputs["image"].CopyFrom(tf.make_tensor_proto(artifacts.images(1)))
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        first = stub.Predict.future(request, timeout=60)
        assert gate.entered.wait(20)
        late = [stub.Predict.future(request, timeout=2) for _ in range(3)]
        cancelled = [stub.Predict.future(request, timeout=60) for _ in range(3)]
        gate.waiting(6)
        for call in cancelled:
            call.cancel()
        assert {call.exception().code().name for call in late} == {"DEADLINE_EXCEEDED"}
        gate.waiting(0)
        gate.go.set()
        assert first.result().model_spec.version.value == 2
    assert gate.rows == [1]


def compare_rows(folder, known):
    """An ONNX model that takes the mean of the batch from every row; `known` is what its export says."""
    from onnx import TensorProto, helper, save

    one, two = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("x", "y"))
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[0], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    graph = helper.make_graph(nodes, "centred", [one], [two])
    (folder / "assets.extra").mkdir(parents=True)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "model.onnx")
    (folder / "assets.extra" / "zoo.json").write_text(json.dumps({"rows_independent": known}))


@pytest.mark.parametrize("known", [False, None, "true", 1])
def test_rows_that_may_depend_on_each_other_are_not_joined(start, tmp_path, known):
    compare_rows(tmp_path / "models" / "centred" / "1", known)
    server = start()

    def ask(number: int) -> bool:
        client = Client(server.port)
        body = {"instances": [[number, 0.0], [0.0, number]]}
        half = number / 2
        right = [
            client.predict(body, "/v1/models/centred").json["predictions"] == [[half, -half], [-half, half]]
            for _ in range(10)
        ]
        client.close()
        return all(right)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(1, 9)))


@pytest.mark.parametrize("told", [None, False, True])
def test_rows_are_joined_where_it_is_known_or_told(models, told, tmp_path):
    from zoo.serving import Settings, open_runner
    from zoo.serving.versions import LoadedVersion

    def joins(version) -> bool:
        return LoadedVersion(1, open_runner(version), Settings(), batching=told)._joinable("serving_default")

    assert joins(models / "net" / "1") == (told is not False)
    foreign = artifacts.write_onnx(tmp_path)
    (foreign / "assets.extra" / "zoo.json").unlink()
    assert joins(foreign) == bool(told)


def test_similarities_are_never_joined():
    from zoo.serving.runners import Signature, TensorSpec

    def spec(*shape):
        return TensorSpec(np.dtype(np.float32), shape)

    assert Signature({"x": spec(None, 2)}, {"y": spec(None, 2)}).batched
    assert Signature({"x": spec(None, None)}, {"y": spec(None, None)}).batched  # sequences
    assert not Signature({"x": spec(None, 2)}, {"y": spec(None, None)}).batched
    assert not Signature({"x": spec(None, 2)}, {"y": spec(None, 2), "t": spec()}).batched


def test_who_is_told_to_join(tmp_path):
    configs = [ModelConfig("a", tmp_path), ModelConfig("b", tmp_path)]
    assert [config.batching for config in with_batching(configs, True)] == [True, True]
    assert [config.batching for config in with_batching(configs, ["b"])] == [None, True]
    assert with_batching(configs, ()) == with_batching(configs, False) == configs
    with pytest.raises(ValueError, match="Batching is asked for c; served are: a, b"):
        with_batching(configs, ["c"])
