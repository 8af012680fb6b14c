from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.serving import artifacts
from tests.serving.clients import Client
from zoo.serving import serve

pytestmark = pytest.mark.once


BODY = {"instances": artifacts.images(1).tolist()}
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken():
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_taken_port(models, taken):
    with pytest.raises(OSError, match=rf"Cannot listen on 127.0.0.1:{taken}: Address already in use"):
        serve(model_dir=models, port=taken, grpc_port=None, wait=False)


def test_a_taken_grpc_port(models, taken):
    pytest.importorskip("tensorflow_serving", reason="gRPC needs the extra `serving`")
    with pytest.raises(OSError, match=rf"gRPC cannot listen on 127.0.0.1:{taken}: .* --grpc-port, .* --no-grpc.$"):
        serve(model_dir=models, port=0, grpc_port=taken, wait=False)


@pytest.mark.parametrize("port", [-1, 70_000])
def test_a_port_that_is_none(models, port):
    with pytest.raises(OSError, match=r"Cannot listen on .*[^.]\. Choose another port with --port\.$"):
        serve(model_dir=models, port=port, grpc_port=None, wait=False)


def test_an_address_of_another_machine(models):
    with pytest.raises(OSError, match="Cannot listen on 203.0.113.1"):
        serve(model_dir=models, host="203.0.113.1", port=0, grpc_port=None, wait=False)


def test_without_the_extra_there_is_rest(models, monkeypatch, caplog):
    monkeypatch.setattr("zoo.serving.serving.has_grpc", lambda: False)
    with serve(model_dir=models, port=0, grpc_port=0, wait=False) as server:
        assert server.grpc_port is None and "REST only" in caplog.text
        assert Client(server.port).predict(BODY).status == 200


def test_it_listens_on_loopback_only(models):
    with serve(model_dir=models, port=0, grpc_port=None, wait=False) as server:
        assert server.url == f"http://127.0.0.1:{server.port}" and server.service.ready
        assert server._http._socket.getsockname()[0] == "127.0.0.1"


def test_one_bad_model_does_not_keep_the_others_away(start, tmp_path, caplog):
    artifacts.write_onnx(tmp_path / "models" / "good")
    (artifacts.write_onnx(tmp_path / "models" / "bad") / "model.onnx").write_bytes(b"broken")
    client = Client(start().port)
    assert client.predict(BODY, "/v1/models/good").status == 200 and client.get("/readyz").status == 503
    assert "The model 'bad' cannot be served: version 1: " in caplog.text
    (entry,) = client.get("/v1/models/bad").json["model_version_status"]
    assert entry["state"] == "END" and "cannot be opened" in entry["status"]["error_message"]
    assert client.predict(BODY, "/v1/models/bad").status == 404
    client.close()


def test_tls(start, models, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    grpc = pytest.importorskip("grpc", reason="gRPC needs the extra `serving`")
    server = start(model_dir=models, grpc_port=0, tls_cert=str(cert), tls_key=str(key))
    trusting = ssl.create_default_context(cafile=str(cert))
    assert server.url.startswith("https://")
    with urllib.request.urlopen(f"{server.url}/healthz", context=trusting) as answer:
        assert answer.status == 200
    with pytest.raises((ConnectionError, HTTPException)):
        Client(server.port).get("/healthz")
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    with grpc.secure_channel(f"localhost:{server.grpc_port}", credentials) as channel:
        assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20) == b"\x08\x01"
    with pytest.raises(OSError, match="and its key cannot be used"):
        start(model_dir=models, tls_cert=str(models))


def test_signatures_of_other_names(start, tmp_path):
    tf = pytest.importorskip("tensorflow", reason="SavedModels need TensorFlow")
    spec = [tf.TensorSpec([None, 2], tf.float32, name="x")]
    double = tf.function(lambda x: {"y": 2 * x, "t": tf.constant(0.5)}, input_signature=spec)
    tf.saved_model.save(tf.Module(), str(tmp_path / "models" / "m" / "1"), signatures={"double": double})
    client, body = Client(start().port), {"instances": [[1, 2]]}
    answer = client.predict(body, "/v1/models/m")
    assert answer.status == 400 and '"serving_default" not found in signature def; there is: double' in answer.error
    answer = client.predict(body | {"signature_name": "double"}, "/v1/models/m")
    assert answer.status == 400 and "ask with 'inputs' instead of 'instances'" in answer.error
    answer = client.predict({"inputs": [[1, 2]], "signature_name": "double"}, "/v1/models/m")
    assert answer.json == {"outputs": {"y": [[2.0, 4.0]], "t": 0.5}}
    client.close()


def test_requests_in_progress_finish_when_it_is_closed(models, monkeypatch):
    server = serve(model_dir=models, port=0, grpc_port=None, wait=False)
    idle, busy = Client(server.port), Client(server.port)
    assert idle.get("/readyz").status == 200
    version = server.service.model("net")._available[2]
    run, entered, go = version.runner.run, threading.Event(), threading.Event()

    def held_up(*arguments):
        entered.set()
        assert go.wait(10)
        return run(*arguments)

    monkeypatch.setattr(version.runner, "run", held_up)
    answers = []
    request = threading.Thread(target=lambda: answers.append(busy.predict(BODY)))
    request.start()
    assert entered.wait(5)
    closing = threading.Thread(target=server.close)
    closing.start()
    assert idle.connection.sock.recv(1) == b""  # idle connections go at once
    with pytest.raises(OSError):
        while True:  # the listener is closed a moment later
            socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
            time.sleep(0.01)
    assert closing.is_alive()
    go.set()
    request.join(5), closing.join(5)
    assert answers[0].status == 200 and answers[0].headers["connection"] == "close" and not closing.is_alive()
    assert not server.service.ready
    server.close()  # again does nothing


def test_the_end_does_not_wait_for_ever(start, models, monkeypatch):
    server = start(model_dir=models, grace_seconds=0.2)
    go = threading.Event()
    monkeypatch.setattr(server.service.model("net")._available[2].runner, "run", lambda *_: go.wait(20))
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
    body = str(BODY).replace("'", '"').encode()
    connection.sendall(
        b"POST /v1/models/net:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    while not server.service.busy:
        time.sleep(0.01)
    server.close()
    assert connection.recv(1) == b""
    go.set()
    connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_command_until_it_is_told_to_stop(models):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "zoo", "serve", "--model-dir", str(models), "--port", "0", "--no-grpc"]
    command += ["--label", "stable=1"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            shown = []
            while not shown or not shown[-1].startswith("page: "):
                shown.append(process.stdout.readline())
                assert shown[-1], process.stderr and process.stderr.read()
            port = int(shown[-1].split("/")[2].split(":")[1])
            client = Client(port)
            assert client.predict(BODY).status == 200 and client.get("/v1/models/net/labels/stable").status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert "net" in "".join(shown) and "Traceback" not in (process.stderr.read() if process.stderr else "")
        finally:
            process.kill()
