"""Joining requests that are there at the same time into one run of the model.

There is no batching thread. A request that finds a free place runs at once in its own thread, so an idle server adds
nothing to a single request. While the places are taken, requests queue up; the first in the queue takes the next free
place, and with it all those behind it that fit into its batch.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


class _Job:
    """A request's inputs on their way through the batcher."""

    __slots__ = ("inputs", "rows", "key", "leading", "outputs", "error", "wake")

    def __init__(self, inputs: Arrays, rows: int, key: Hashable | None) -> None:
        self.inputs, self.rows, self.key = inputs, rows, key
        self.leading = False
        self.outputs: dict[str, np.ndarray] = {}
        self.error: BaseException | None = None
        self.wake = threading.Event()


class Batcher:
    """Runs one signature of one model version, for many threads.

    Args:
        run: from the inputs of a batch to its outputs.
        max_rows: largest batch made of several requests; 1 runs each request alone.
        timeout: seconds that a request with a free place waits for others at most.
        places: runs at the same time.
        expected: the number of requests that are being read and will come to `run` soon. Nobody waits for others
            when there are none.
        observe: told the rows of every run.
    """

    def __init__(
        self,
        run: Callable[[Arrays], dict[str, np.ndarray]],
        *,
        max_rows: int,
        timeout: float,
        places: int,
        expected: Callable[[], int],
        observe: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._run, self._max_rows, self._timeout = run, max_rows, timeout
        self._expected, self._observe = expected, observe
        self._lock = threading.Lock()
        self._arrival = threading.Condition(self._lock)
        self._waiting: deque[_Job] = deque()
        self._free = places

    def run(self, inputs: Arrays, *, joinable: bool) -> dict[str, np.ndarray]:
        """The outputs for one request's inputs.

        Args:
            inputs: arrays that fit the signature, with equal leading axes if `joinable`.
            joinable: whether the leading axis counts rows that do not depend on each other.

        Raises:
            ValueError: the model refuses the values.
        """
        rows = len(next(iter(inputs.values()))) if joinable else 1
        key = None
        if joinable and rows < self._max_rows:
            key = tuple(sorted((name, value.dtype.str, value.shape[1:]) for name, value in inputs.items()))
        job = _Job(inputs, rows, key)
        with self._lock:
            self._waiting.append(job)
            self._arrival.notify_all()
            if self._free:
                self._free -= 1
                job.leading = True
        if not job.leading:
            job.wake.wait()
        if job.leading:
            self._lead(job)
        if job.error is not None:
            raise job.error
        return job.outputs

    def _lead(self, job: _Job) -> None:
        with self._lock:
            if job.key is not None:
                self._wait_for_others(job)
            batch = self._take(job)
        try:
            self._execute(batch)
        finally:
            with self._lock:
                self._pass_on()
            for other in batch:
                if other is not job:
                    other.wake.set()

    def _wait_for_others(self, job: _Job) -> None:
        """Lets requests join that are being read right now, for the bounded time."""
        end = time.monotonic() + self._timeout
        while self._expected() > 0:
            remaining = end - time.monotonic()
            if remaining <= 0 or sum(other.rows for other in self._joining(job)) >= self._max_rows:
                return
            self._arrival.wait(remaining)

    def _joining(self, job: _Job) -> list[_Job]:
        """The job and those in the queue that fit into its batch, oldest first."""
        chosen, rows = [job], job.rows
        for other in self._waiting:
            fits = other.key == job.key and not other.leading and rows + other.rows <= self._max_rows
            if job.key is not None and fits:
                chosen.append(other)
                rows += other.rows
        return chosen

    def _take(self, job: _Job) -> list[_Job]:
        batch = self._joining(job)
        taken = set(map(id, batch))
        self._waiting = deque(other for other in self._waiting if id(other) not in taken)
        return batch

    def _pass_on(self) -> None:
        """Gives the place to the oldest request that has none."""
        for job in self._waiting:
            if not job.leading:
                job.leading = True
                job.wake.set()
                return
        self._free += 1

    def _execute(self, batch: list[_Job]) -> None:
        if len(batch) > 1 and self._execute_together(batch):
            return
        for job in batch:  # alone, so that one request's error is not the others'
            try:
                self._observe(job.rows)
                job.outputs = self._run(job.inputs)
            except BaseException as error:
                job.error = error

    def _execute_together(self, batch: list[_Job]) -> bool:
        """Whether the batch could be run as one and taken apart again."""
        ends = np.cumsum([job.rows for job in batch])
        try:
            outputs = self._run({name: np.concatenate([job.inputs[name] for job in batch]) for name in batch[0].inputs})
            if any(value.ndim == 0 or len(value) != ends[-1] for value in outputs.values()):
                return False
        except Exception:
            return False
        self._observe(int(ends[-1]))
        for job, end in zip(batch, ends, strict=True):
            job.outputs = {name: value[end - job.rows : end] for name, value in outputs.items()}
        return True
