"""One loaded version of a model: its runner, its batchers, and who is using it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from pathlib import Path

import numpy as np

from zoo.serving import pictures
from zoo.serving.batching import Batcher, best_rows
from zoo.serving.errors import RequestError, cancelled, invalid
from zoo.serving.metadata import check_types
from zoo.serving.runners import BYTES_SIGNATURE, DEFAULT_SIGNATURE, Runner, Signature, open_runner
from zoo.serving.settings import Settings

Arrays = dict[str, np.ndarray]
_DECODERS = max(2, os.cpu_count() or 2)  # pictures unpacked at the same time: each may take a lot of memory


class LoadedVersion:
    """An opened version folder that answers requests.

    Args:
        number: the version.
        runner: the opened model.
        settings: of the server.
        observe: told the rows of every run.
        batching: whether requests may be joined; None believes the exporter's facts, and without any joins nothing.
    """

    def __init__(
        self,
        number: int,
        runner: Runner,
        settings: Settings,
        observe: Callable[[int], None] = lambda rows: None,
        batching: bool | None = None,
    ) -> None:
        self.number, self.runner, self.users, self._arriving = number, runner, 0, 0
        self.batching = runner.facts.rows_independent if batching is None else batching
        self._lock, self._most_rows = threading.Lock(), settings.max_batch_size
        self._decoders = threading.BoundedSemaphore(_DECODERS)
        self.signatures: dict[str, Signature] = dict(runner.signatures)
        encoded = pictures.bytes_signature(runner)
        if encoded is not None:
            self.signatures[BYTES_SIGNATURE] = encoded
        check_types(self.signatures)
        self._batchers = {
            name: Batcher(
                lambda inputs, name=name: runner.run(inputs, name),  # type: ignore[misc]
                max_rows=settings.max_batch_size,
                timeout=settings.batch_timeout_ms / 1000,
                places=settings.parallel_runs,
                expected=lambda: self._arriving,
                observe=observe,
            )
            for name in runner.signatures
        }

    def signature(self, name: str) -> Signature:
        """The signature of that name, `serving_default` for an empty one; a 400 when there is none."""
        found = self.signatures.get(name or DEFAULT_SIGNATURE)
        if found is None:
            known = ", ".join(sorted(self.signatures))
            shown = name or DEFAULT_SIGNATURE
            raise invalid(f'Serving signature name: "{shown}" not found in signature def; there is: {known}')
        return found

    def prepare(self, name: str, inputs: Arrays) -> tuple[str, Arrays]:
        """What the runner itself is to be given: pictures are decoded here if its graph cannot do that, or not as here.

        Takes time.
        """
        if name != BYTES_SIGNATURE:
            return name, inputs
        plain = pictures.check_sizes([content for value in inputs.values() for content in value.ravel()])
        if name in self._batchers and (plain or pictures.image_shape(self.runner) is None):
            return name, inputs
        (files,) = inputs.values()
        with self._decoders:
            return DEFAULT_SIGNATURE, pictures.decode(self.runner, files.tolist())

    def submit(self, name: str, inputs: Arrays) -> Future[Arrays]:
        """The outputs to come for what `prepare` returned."""
        return self._batchers[name].submit(inputs, joinable=self._joinable(name))

    def run(self, name: str, inputs: Arrays, waiting: Callable[[Future[Arrays]], None]) -> Arrays:
        """The outputs for what `prepare` returned; `waiting` is told the future of a request that has to wait."""
        return self._batchers[name].run(inputs, joinable=self._joinable(name), waiting=waiting)

    def count_arriving(self, change: int) -> None:
        """Counts the requests that are being read."""
        with self._lock:
            self._arriving += change

    def warm(self) -> None:
        """Runs the model, so that the first request does not pay for what happens on a first run, and batches pay.

        Models with axes of any length are left out: zeros of made-up sizes may be nothing that they accept.
        """
        zeros = {}
        for name, spec in self.runner.inputs.items():
            if spec.shape is None or spec.is_open or spec.dtype == object:
                return
            zeros[name] = np.zeros([side or 1 for side in spec.shape], spec.dtype)
        if DEFAULT_SIGNATURE not in self._batchers:
            return
        self.runner.run(zeros)
        if self._most_rows > 1 and self._joinable(DEFAULT_SIGNATURE):
            run = self.runner.run
            rows = best_rows(
                lambda rows: run({name: np.repeat(value, rows, 0) for name, value in zeros.items()}), self._most_rows
            )
            for batcher in self._batchers.values():
                batcher.limit(rows)

    def close(self) -> None:
        """Ends the threads, when nobody uses the version any more."""
        for batcher in self._batchers.values():
            batcher.close()

    def _joinable(self, name: str) -> bool:
        return self.batching and self.signatures[name].batched


class Lease:
    """A request that uses a loaded version."""

    def __init__(self, version: LoadedVersion) -> None:
        self.version, self._arriving = version, True
        version.count_arriving(1)

    def prepare(self, name: str, inputs: Arrays) -> tuple[str, Arrays]:
        """See `LoadedVersion.prepare`; the request is read with that."""
        made = self.version.prepare(name or DEFAULT_SIGNATURE, inputs)
        self.end()
        return made

    def run(
        self, name: str, inputs: Arrays, waiting: Callable[[Future[Arrays]], None] = lambda future: None
    ) -> Mapping[str, np.ndarray]:
        """The outputs for inputs that fit the signature `name`, in this thread.

        Raises:
            RequestError: INVALID_ARGUMENT, when the model refuses the values; CANCELLED, when the future that
                `waiting` was told was cancelled.
        """
        try:
            return self.version.run(*self.prepare(name, inputs), waiting)
        except ValueError as error:
            raise invalid(str(error)) from error
        except CancelledError as error:
            raise cancelled() from error

    def end(self) -> None:
        """The request is read, or it failed before."""
        if self._arriving:
            self._arriving = False
            self.version.count_arriving(-1)


def load_version(
    number: int, folder: Path, settings: Settings, observe: Callable[[int], None], batching: bool | None = None
) -> LoadedVersion:
    """Opens and warms a version folder; whatever goes wrong becomes a `RequestError` with the reason."""
    try:
        version = LoadedVersion(number, open_runner(folder, engine=settings.engine), settings, observe, batching)
        version.warm()
        return version
    except Exception as error:
        raise RequestError("INTERNAL", f"{type(error).__name__}: {error}") from error
