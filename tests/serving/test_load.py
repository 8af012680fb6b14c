"""64 clients at once, among them many that do everything wrong."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.serving import artifacts
from tests.serving.clients import Client
from tests.serving.storm import storm

pytestmark = pytest.mark.once


ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 64
MAX_BODY = 200_000
HAS_GRPC = importlib.util.find_spec("tensorflow_serving") is not None


def resident(process: int | str = "self") -> int:
    """Bytes of memory that a process occupies."""
    text = Path(f"/proc/{process}/status").read_text()
    (line,) = (line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("batch", [32, 1], ids=["batching", "alone"])
def test_a_storm(start, tmp_path, batch, caplog):
    artifacts.write_onnx(tmp_path / "models" / "net")
    server = start(
        grpc_port=0 if HAS_GRPC else None, max_body_bytes=MAX_BODY, read_seconds=0.5, max_batch_size=batch, max_rows=64
    )
    options = {"port": server.port, "max_body": MAX_BODY, "grpc_port": server.grpc_port}
    done, faults = storm(CLIENTS, 18, **options)
    assert not faults, faults[:3]
    assert sum(done.values()) == CLIENTS * 18 and len(done) == (17 if HAS_GRPC else 15)
    assert "failed" not in caplog.text and "Traceback" not in caplog.text
    assert server.service.busy == 0 and server.service.model("net")._available[1].users == 0
    assert server.service.model("net")._available[1]._arriving == 0
    client = Client(server.port)
    assert client.get("/readyz").status == 200
    client.close()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
def test_memory_and_threads_stay(start, tmp_path):
    """A thousand requests in this process; see the large test for a server of its own and many more."""
    artifacts.write_onnx(tmp_path / "models" / "net")
    server = start(max_body_bytes=MAX_BODY, read_seconds=0.5)
    options = {"port": server.port, "max_body": MAX_BODY}
    storm(16, 25, **options)
    before, threads = resident(), threading.active_count()
    done, faults = storm(16, 40, **options)
    assert not faults and sum(done.values()) == 640
    assert resident() - before < 25e6
    assert threading.active_count() <= threads + 2


@pytest.mark.large
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the memory of a process from /proc")
@pytest.mark.parametrize("engine", ["onnx", "tensorflow"])
def test_memory_is_flat_over_20000_requests(tmp_path, engine):
    write = artifacts.write_onnx if engine == "onnx" else artifacts.write_saved_model
    write(tmp_path / "net")
    command = [sys.executable, "-m", "zoo", "serve", "--model-dir", str(tmp_path), "--port", "0", "--grpc-port", "0"]
    command += ["--max-body-bytes", str(MAX_BODY), "--read-seconds", "0.5", *([] if HAS_GRPC else ["--no-grpc"])]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            while not (line := process.stdout.readline()).startswith("page: "):
                assert line
            words = line.replace("/", " ").split()
            port = int(words[2].rpartition(":")[2])
            grpc_port = int(words[words.index("gRPC:") + 1].rpartition(":")[2]) if HAS_GRPC else None
            sizes = []
            for _ in range(5):
                done, faults = storm(
                    CLIENTS, 63, port=port, max_body=MAX_BODY, grpc_port=grpc_port, resized=engine == "onnx"
                )
                assert not faults, faults[:3]
                assert sum(done.values()) == CLIENTS * 63
                sizes.append(resident(process.pid))
            print(f"{engine}: resident MB after every 4,032 requests: {[round(size / 1e6, 1) for size in sizes]}")
            assert sizes[-1] - sizes[1] < 20e6  # the first rounds fill the allocator's pools of every thread
        finally:
            process.terminate()
            assert process.wait(20) == 0
