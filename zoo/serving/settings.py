"""Everything about a server that can be chosen, with its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from zoo.serving.runners import MODEL_FILES

_WHOLE = {"max_batch_size", "parallel_runs", "max_body_bytes", "max_rows", "max_requests", "max_connections"}
_SECONDS = {"poll_seconds", "read_seconds", "idle_seconds", "grace_seconds"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a server behaves.

    Attributes:
        engine: `"onnx"` or `"tensorflow"`; None takes what a version folder holds.
        max_batch_size: rows that are joined into one run of the model; 1 turns batching off.
        batch_timeout_ms: longest time a request waits for others that are already being read.
        parallel_runs: runs of one model at the same time.
        poll_seconds: between two looks at the folders for new versions.
        max_body_bytes: of a request; a longer one is refused with 413, on gRPC with RESOURCE_EXHAUSTED.
        max_rows: of a request's batch.
        max_requests: being answered at the same time; one more is refused with 503.
        max_connections: open at the same time; one more is answered with 503 and closed.
        read_seconds: in which a request must have arrived from its first byte to its last.
        idle_seconds: after which an unused connection is closed.
        grace_seconds: for requests in progress when the server stops.

    Raises:
        ValueError: a number that makes no sense, or an unknown engine.

    Example:
        >>> Settings(max_batch_size=8).batch_timeout_ms
        2.0
    """

    engine: str | None = None
    max_batch_size: int = 32
    batch_timeout_ms: float = 2.0
    parallel_runs: int = max(1, min(4, (os.cpu_count() or 2) // 2))
    poll_seconds: float = 1.0
    max_body_bytes: int = 32 << 20
    max_rows: int = 1024
    max_requests: int = 256
    max_connections: int = 512
    read_seconds: float = 10.0
    idle_seconds: float = 60.0
    grace_seconds: float = 10.0

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in MODEL_FILES:
            raise ValueError(f"Expected an engine of {', '.join(MODEL_FILES)}; got {self.engine!r}.")
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            if name in _WHOLE and (not isinstance(value, int) or value < 1):
                raise ValueError(f"Expected {name} to be a whole number of at least 1; got {value!r}.")
            if name in _SECONDS and not value > 0:
                raise ValueError(f"Expected {name} to be above 0; got {value!r}.")
        if not self.batch_timeout_ms >= 0:
            raise ValueError(f"Expected batch_timeout_ms of at least 0; got {self.batch_timeout_ms!r}.")


@dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Attributes:
        name: in the addresses.
        folder: holds the version folders `1`, `2`, ...
        latest: how many of the newest versions are served; None for all.
        versions: serve these numbers instead.
        labels: version numbers by label; labelled versions are served, too.
    """

    name: str
    folder: Path
    latest: int | None = 1
    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)

    def wanted(self, found: set[int]) -> set[int]:
        """Which of the versions in the folder should be served."""
        if self.versions:
            chosen = found & set(self.versions)
        else:
            chosen = set(sorted(found)[-self.latest :] if self.latest else found)
        return chosen | (found & set(self.labels.values()))
