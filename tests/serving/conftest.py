from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving import artifacts
from tests.serving.clients import Client
from zoo.serving import Server, Settings, serve

pytest.importorskip("onnx", reason="the served models are written with onnx")
pytest.importorskip("onnxruntime", reason="the served models run on ONNX Runtime")


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model `net`, versions 1 and 2, as ONNX."""
    root = tmp_path_factory.mktemp("models")
    for version in (1, 2):
        artifacts.write_onnx(root / "net", version)
    return root


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version folder with the same network as a SavedModel."""
    return artifacts.write_saved_model(tmp_path_factory.mktemp("tensorflow") / "net")


@pytest.fixture(scope="session")
def shared(models: Path) -> Iterator[Server]:
    """A server with REST and both versions, for tests that change nothing. Version 2 is the latest."""
    settings = Settings(max_body_bytes=100_000, max_rows=40, read_seconds=0.5)
    with serve(model_dir=models, port=0, grpc_port=None, labels={"stable": 1}, settings=settings, wait=False) as server:
        yield server


@pytest.fixture
def client(shared: Server) -> Iterator[Client]:
    made = Client(shared.port)
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts servers that are closed after the test; by default of `<tmp_path>/models`."""
    servers: list[Server] = []

    def start(
        *, grpc_port: int | None = None, labels: Any = None, model_dir: Path | None = None, **settings: Any
    ) -> Server:
        chosen = Settings(**({"poll_seconds": 0.05, "grace_seconds": 5.0} | settings))
        folder = model_dir or tmp_path / "models"
        server = serve(model_dir=folder, port=0, grpc_port=grpc_port, labels=labels, settings=chosen, wait=False)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def raw(shared: Server) -> Iterator[Callable[[bytes], socket.socket]]:
    """Opens a connection to the shared server and sends bytes as they are."""
    opened: list[socket.socket] = []

    def send(content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", shared.port), timeout=10)
        opened.append(connection)
        connection.sendall(content)
        return connection

    yield send
    for connection in opened:
        connection.close()
