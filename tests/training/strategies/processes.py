"""Several Python processes at once, for what needs devices or neighbours that a test process does not have."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOST = ("TF_CONFIG", "JAX_NUM_CPU_DEVICES", "KERAS_DISTRIBUTION_JOB_ADDRESSES")


def run_all(commands: list[tuple[list[str], dict[str, str]]], *, seconds: float = 240) -> list[dict]:
    """Starts `python -m ...` for all commands at once; what each printed last, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [open(Path(folder, str(index)), "w+") for index in range(len(commands))]  # noqa: SIM115
        processes = [start(*command, output) for command, output in zip(commands, outputs, strict=True)]
        try:
            codes = [process.wait(seconds) for process in processes]
        finally:
            for process in processes:
                process.kill()
        texts = []
        for output in outputs:
            output.seek(0)
            texts.append(output.read())
            output.close()
    # All of them: the process that is at fault is seldom the one that complains.
    assert not any(codes), "\n\n".join(
        f"exit code {code}:\n{text[-3000:]}" for code, text in zip(codes, texts, strict=True)
    )
    return [json.loads(next(line for line in text.splitlines() if line.startswith("{"))) for text in texts]


def start(arguments: list[str], variables: dict[str, str], output) -> subprocess.Popen:
    kept = {key: value for key, value in os.environ.items() if key not in LOST}
    environment = kept | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"} | variables
    command = [sys.executable, "-m", *arguments]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


def tensorflow_cluster(count: int) -> list[dict[str, str]]:
    """The environment of every process of a TensorFlow cluster on this machine."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(count)]
    tasks = [{"type": "worker", "index": index} for index in range(count)]
    return [{"TF_CONFIG": json.dumps({"cluster": {"worker": workers}, "task": task})} for task in tasks]


def jax_cluster(count: int, devices: int) -> list[dict[str, str]]:
    """The environment of every process of a JAX cluster on this machine."""
    shared = {
        "JAX_NUM_CPU_DEVICES": str(devices),
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_ports(1)[0]}",
        "KERAS_DISTRIBUTION_NUM_PROCESSES": str(count),
    }
    return [shared | {"KERAS_DISTRIBUTION_PROCESS_ID": str(index)} for index in range(count)]
