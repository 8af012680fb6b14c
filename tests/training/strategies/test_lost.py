"""A process of several that is killed, or stands still: the other one ends, in words, and within a bound."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import keras
import pytest

from tests.training.strategies.processes import jax_cluster, start, tensorflow_cluster
from zoo.training.strategies.base import lost
from zoo.training.strategies.on_jax import LOST

BACKEND = keras.backend.backend()
STRATEGY = {"tensorflow": "multi_worker", "jax": "data_parallel"}
BOUND = 240.0  # seconds, on a machine with other work; the backends' own is written in docs/reliability.md
SAID = "ConnectionError: One of the 2 processes of this run has ended or cannot be reached"


@pytest.mark.large
@pytest.mark.skipif(BACKEND not in STRATEGY, reason="torch trains on one device here")
@pytest.mark.parametrize(("which", "sign"), [(1, signal.SIGKILL), (0, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_a_lost_process_ends_the_run(tmp_path: Path, which: int, sign: signal.Signals) -> None:
    cluster = tensorflow_cluster(2) if BACKEND == "tensorflow" else jax_cluster(2, devices=1)
    command = ["tests.training.strategies.lost", STRATEGY[BACKEND], str(tmp_path / "run")]
    outputs = [tmp_path / str(number) for number in range(2)]
    processes = []
    try:
        for variables, output in zip(cluster, outputs, strict=True):
            with output.open("w") as file:
                processes.append(start(command, variables, file))
        while "step 20\n" not in outputs[1 - which].read_text():
            texts = [output.read_text()[-2000:] for output in outputs]
            assert all(process.poll() is None for process in processes), texts
            time.sleep(0.2)
        processes[which].send_signal(sign)
        begun = time.monotonic()
        code = processes[1 - which].wait(BOUND)
        print(f"{BACKEND}, process {which}, {sign.name}: exit code {code} after {time.monotonic() - begun:.0f} s")
    finally:
        for process in processes:
            process.kill()
    said = outputs[1 - which].read_text()
    # Beside a process that stands still JAX may end this one before it has raised anything.
    assert code != 0 and (SAID in said or (BACKEND == "jax" and sign == signal.SIGSTOP)), said[-3000:]
    assert SAID in said or "another task died" in said, said[-3000:]
    assert list((tmp_path / "run" / "checkpoints").glob("epoch*.npz"))  # from which all go on: test_runs.py


@pytest.mark.once
@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("UNKNOWN: Gloo AllGather failed: [pair.cc:538] Read error [127.0.0.1]:19151: Connection reset by peer", True),
        ("UNAVAILABLE: The following tasks are unhealthy (stopped sending heartbeats)", True),
        ("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes", False),
        ("Expected labels from 0 to 9; got 10.", False),
    ],
)
def test_what_jax_says(text: str, means: bool) -> None:
    with pytest.raises(ConnectionError if means else ValueError), lost(2, (ValueError,), LOST):
        raise ValueError(text)


@pytest.mark.once
def test_other_errors_stay_what_they_are() -> None:
    words = "One of the 3 processes.*Socket closed.*start all of them again"
    with pytest.raises(ConnectionError, match=words), lost(3, (RuntimeError,), "socket|peer"):
        raise RuntimeError("Socket closed\n more")
    with pytest.raises(RuntimeError, match="out of memory"), lost(3, (RuntimeError,), "socket|peer"):
        raise RuntimeError("out of memory")
