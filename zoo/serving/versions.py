"""One loaded version of a model: its runner, its batchers, and who is using it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from zoo.serving import pictures
from zoo.serving.batching import Batcher
from zoo.serving.errors import RequestError, invalid
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
    """

    def __init__(
        self, number: int, runner: Runner, settings: Settings, observe: Callable[[int], None] = lambda rows: None
    ) -> None:
        self.number, self.runner, self.users, self._arriving = number, runner, 0, 0
        self._lock = threading.Lock()
        self._decoders = threading.BoundedSemaphore(_DECODERS)
        self.signatures: dict[str, Signature] = dict(runner.signatures)
        encoded = pictures.bytes_signature(runner)
        if encoded is not None:
            self.signatures[BYTES_SIGNATURE] = encoded
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
            raise invalid(f'Serving signature name: "{name}" not found in signature def; there is: {known}')
        return found

    def run(self, name: str, inputs: Arrays) -> Mapping[str, np.ndarray]:
        """The outputs for inputs that fit the signature `name`."""
        name = name or DEFAULT_SIGNATURE
        joinable = self.signatures[name].batched
        if name == BYTES_SIGNATURE and name not in self._batchers:
            (files,) = inputs.values()
            with self._decoders:
                name, inputs = DEFAULT_SIGNATURE, pictures.decode(self.runner, files.tolist())
        try:
            return self._batchers[name].run(inputs, joinable=joinable)
        except ValueError as error:
            raise invalid(str(error)) from error

    def count_arriving(self, change: int) -> None:
        """Counts the requests that are being read."""
        with self._lock:
            self._arriving += change

    def warm(self) -> None:
        """Runs the model once, so that the first request does not pay for what happens on a first run.

        Models with axes of any length are left out: zeros of made-up sizes may be nothing that they accept.
        """
        zeros = {}
        for name, spec in self.runner.inputs.items():
            if not spec.shape or None in spec.shape[1:] or spec.dtype == object:
                return
            zeros[name] = np.zeros([side or 1 for side in spec.shape], spec.dtype)
        self.runner.run(zeros)


class Lease:
    """A request that uses a loaded version."""

    def __init__(self, version: LoadedVersion) -> None:
        self.version, self._arriving = version, True
        version.count_arriving(1)

    def run(self, name: str, inputs: Arrays) -> Mapping[str, np.ndarray]:
        """The outputs for inputs that fit the signature `name`."""
        if name == BYTES_SIGNATURE:
            pictures.check_sizes([content for value in inputs.values() for content in value.ravel()])
        self.end()
        return self.version.run(name, inputs)

    def end(self) -> None:
        """The request is read, or it failed before."""
        if self._arriving:
            self._arriving = False
            self.version.count_arriving(-1)


def load_version(number: int, folder: Path, settings: Settings, observe: Callable[[int], None]) -> LoadedVersion:
    """Opens and warms a version folder; whatever goes wrong becomes a `RequestError` with the reason."""
    try:
        version = LoadedVersion(number, open_runner(folder, engine=settings.engine), settings, observe)
        version.warm()
        return version
    except Exception as error:
        raise RequestError("INTERNAL", f"{type(error).__name__}: {error}") from error
