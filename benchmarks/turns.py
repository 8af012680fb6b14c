"""Functions in processes of their own that run in turns, for the scripts beside this file that compare them.

A process holds one backend. On a machine that does other work too, two processes measured one after the other met two
different machines; here each is started once, and then every function of every process runs once a round. Measured
is the time that processors spent on a process, all its threads together: with one thread that is the time on the clock
of a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

READY = "ready: "
LEAST = 0.05
"""Seconds that a turn goes on for, with one to five calls."""


def environment(backend: str, threads: int) -> dict[str, str]:
    """Environment of a process on one backend with so many threads."""
    from runners import environment as of_engine

    return of_engine(backend, threads) | {"KERAS_BACKEND": backend}


def serve(functions: Mapping[str, Callable[[], Any]], **facts: Any) -> None:
    """A worker's side: runs each function once, says their names and other facts, then runs what it is told to.

    A function that raises is left out, and its error is among the facts.
    """
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # whatever libraries print is no answer
        failed = {}
        for name, function in functions.items():
            try:
                function()
            except Exception as error:  # one that does not run is a line that says so
                failed[name] = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        names = [name for name in functions if name not in failed]
        print(READY + json.dumps({"names": names, "failed": failed, **facts}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(_turn(functions[json.loads(line)])), file=answers, flush=True)


def _turn(function: Callable[[], Any]) -> float:
    """The least milliseconds of the calls of one turn."""
    taken: list[float] = []
    while not taken or (len(taken) < 5 and sum(taken) < LEAST):
        start = time.process_time()
        function()
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


class Worker:
    """A process that serves functions; its `said` are the facts that it began with.

    Args:
        command: what to run, after the interpreter.
        variables: environment on top of this process's.

    Raises:
        RuntimeError: the process ended before it was ready, with the last line of its complaint.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str]) -> None:
        self.complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `end` closes it
        self.process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **variables},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.complaints,
        )
        lines = (line for line in self.process.stdout if line.startswith(READY))  # others are noise of libraries
        first = next(lines, "")
        if not first:
            self.process.wait()
            self.complaints.seek(0)
            raise RuntimeError((self.complaints.read().strip().splitlines() or ["it ended without a word"])[-1])
        self.said: dict[str, Any] = json.loads(first.removeprefix(READY))

    def turn(self, name: str) -> float:
        """Milliseconds of one function."""
        print(json.dumps(name), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        """Lets the process end."""
        self.process.stdin.close()
        self.process.wait()
        self.complaints.close()


def in_turns(workers: Mapping[str, Worker], rounds: int) -> dict[tuple[str, str], float]:
    """Median milliseconds over the rounds of every function, by worker and name."""
    taken: dict[tuple[str, str], list[float]] = {
        (worker, name): [] for worker, process in workers.items() for name in process.said["names"]
    }
    for _ in range(rounds):
        for (worker, name), values in taken.items():
            values.append(workers[worker].turn(name))
    return {key: statistics.median(values) for key, values in taken.items()}
