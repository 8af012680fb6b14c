"""Joining requests that are there at the same time into one run of the model.

A model has a few places, each for one run at a time. Requests queue up for them; a free place takes the oldest one, and
with it all those behind it that fit into its batch. Who waits for the answer in a thread of its own runs the model in
that thread if a place is free, so an idle server adds nothing to a single request; everybody else gets a future, and
the batcher's own threads do the work. A future that is cancelled while it waits leaves the queue.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future

import numpy as np

Arrays = Mapping[str, np.ndarray]
Outputs = dict[str, np.ndarray]
_TRIALS, _TRIAL_SECONDS, _ABOUT = 3, 2.0, 1.1


class _Job:
    """A request's inputs on their way through the batcher."""

    __slots__ = ("inputs", "rows", "key", "future")

    def __init__(self, inputs: Arrays, rows: int, key: Hashable | None) -> None:
        self.inputs, self.rows, self.key = inputs, rows, key
        self.future: Future[Outputs] = Future()


def best_rows(run: Callable[[int], object], most: int) -> int:
    """The size up to which batches pay: the largest in which a row takes about as little time as in any.

    On a CPU a large batch can cost more a row than a small one, because it no longer fits into the caches.

    Args:
        run: runs the model on so many rows.
        most: largest size of interest.
    """
    seconds: dict[int, float] = {}
    rows, end = 1, time.perf_counter() + _TRIAL_SECONDS
    while rows not in seconds and (time.perf_counter() < end or not seconds):
        times = []
        for _ in range(_TRIALS):
            start = time.perf_counter()
            run(rows)
            times.append(time.perf_counter() - start)
        seconds[rows] = min(times) / rows
        rows = min(2 * rows, most)
    return max(rows for rows, value in seconds.items() if value <= _ABOUT * min(seconds.values()))


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
        run: Callable[[Arrays], Outputs],
        *,
        max_rows: int,
        timeout: float,
        places: int,
        expected: Callable[[], int],
        observe: Callable[[int], None] = lambda rows: None,
    ) -> None:
        self._run, self._max_rows, self._timeout = run, max_rows, timeout
        self._expected, self._observe = expected, observe
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._places = self._free = places
        self._threads = 0
        self._closed = False

    def run(
        self,
        inputs: Arrays,
        *,
        joinable: bool,
        waiting: Callable[[Future[Outputs]], None] = lambda future: None,
    ) -> Outputs:
        """The outputs for one request's inputs.

        Args:
            inputs: arrays that fit the signature, with equal leading axes if `joinable`.
            joinable: whether the leading axis counts rows that do not depend on each other.
            waiting: told the future, when the request has to wait, so that it can be cancelled.

        Raises:
            ValueError: the model refuses the values.
            concurrent.futures.CancelledError: the future was cancelled.
        """
        job = self._job(inputs, joinable)
        with self._changed:
            at_once = self._free > 0 and not self._waiting
            batch = self._collect(job) if at_once else []
        if batch:
            self._execute(batch)
        else:
            self._queue(job)
            waiting(job.future)
        return job.future.result()

    def submit(self, inputs: Arrays, *, joinable: bool) -> Future[Outputs]:
        """The same without waiting: a future, which may be cancelled as long as the request waits for its turn."""
        job = self._job(inputs, joinable)
        self._queue(job)
        return job.future

    def limit(self, rows: int) -> None:
        """Makes no larger batches than this, and no larger ones than before."""
        self._max_rows = min(self._max_rows, rows)

    def close(self) -> None:
        """Ends the threads when nothing waits any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _job(self, inputs: Arrays, joinable: bool) -> _Job:
        rows = len(next(iter(inputs.values()))) if joinable else 1
        key = None
        if joinable and rows < self._max_rows:
            key = tuple(sorted((name, value.dtype.str, value.shape[1:]) for name, value in inputs.items()))
        return _Job(inputs, rows, key)

    def _queue(self, job: _Job) -> None:
        job.future.add_done_callback(lambda future: self._drop(job) if future.cancelled() else None)
        with self._changed:
            if self._free > len(self._waiting):  # its turn has come, though a thread has still to take it up
                job.future.set_running_or_notify_cancel()
            self._waiting.append(job)
            if self._threads < min(self._places, len(self._waiting)):
                self._threads += 1
                threading.Thread(target=self._work, name="zoo-run", daemon=True).start()
            self._changed.notify_all()

    def _drop(self, job: _Job) -> None:
        """Forgets a cancelled request, and with it its inputs."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)

    def _work(self) -> None:
        """One of the batcher's threads."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting and self._free or self._closed and not self._waiting)
                if not self._waiting:
                    self._threads -= 1
                    return
                batch = self._collect(self._waiting.popleft())
            self._execute(batch)

    def _collect(self, job: _Job) -> list[_Job]:
        """Takes a place for the job and those that fit into its batch; they cannot be cancelled any more."""
        self._free -= 1
        if job.key is not None:
            self._wait_for_others(job)
        chosen = self._joining(job)
        taken = set(map(id, chosen))
        self._waiting = deque(other for other in self._waiting if id(other) not in taken)
        return [one for one in chosen if one.future.running() or one.future.set_running_or_notify_cancel()]

    def _wait_for_others(self, job: _Job) -> None:
        """Lets requests join that are being read right now, for the bounded time."""
        end = time.monotonic() + self._timeout
        while self._expected() > 0:
            remaining = end - time.monotonic()
            if remaining <= 0 or sum(other.rows for other in self._joining(job)) >= self._max_rows:
                return
            self._changed.wait(remaining)

    def _joining(self, job: _Job) -> list[_Job]:
        """The job and those in the queue that fit into its batch, oldest first."""
        chosen, rows = [job], job.rows
        for other in self._waiting if job.key is not None else ():
            if other.key == job.key and rows + other.rows <= self._max_rows:
                chosen.append(other)
                rows += other.rows
        return chosen

    def _execute(self, batch: list[_Job]) -> None:
        """Runs a batch, gives its place back, and only then tells who waits for it."""
        try:
            results: Sequence[Outputs | BaseException] | None = self._together(batch) if len(batch) > 1 else None
            if results is None:  # alone, so that one request's error is not the others'
                results = [self._alone(job) for job in batch]
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
        for job, result in zip(batch, results, strict=True):
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _alone(self, job: _Job) -> Outputs | BaseException:
        try:
            self._observe(job.rows)
            return self._run(job.inputs)
        except BaseException as error:
            return error

    def _together(self, batch: list[_Job]) -> list[Outputs] | None:
        """The outputs of every request of the batch; None if it cannot be run as one and taken apart again."""
        ends = np.cumsum([job.rows for job in batch])
        try:
            outputs = self._run({name: np.concatenate([job.inputs[name] for job in batch]) for name in batch[0].inputs})
            if any(value.ndim == 0 or len(value) != ends[-1] for value in outputs.values()):
                return None
        except Exception:
            return None
        self._observe(int(ends[-1]))
        return [
            {name: value[end - job.rows : end] for name, value in outputs.items()}
            for job, end in zip(batch, ends, strict=True)
        ]
