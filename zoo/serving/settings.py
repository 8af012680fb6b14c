"""Everything about a server that can be chosen, with its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from zoo._suggestions import suggests_fields
from zoo.math.values import check_number, check_whole

MODEL_FILES = {"onnx": "model.onnx", "tensorflow": "saved_model.pb"}
"""Engines, and by which file in a version folder each knows its models."""

_WHOLE = {"max_batch_size", "parallel_runs", "max_body_bytes", "max_rows", "max_requests", "max_connections"}
_SECONDS = {"poll_seconds", "read_seconds", "idle_seconds", "grace_seconds"}


@suggests_fields
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
        strict_json: write numbers that JSON does not have as `"NaN"`, `"Infinity"` and `"-Infinity"`; else as bare
            words, as TensorFlow Serving does.
        allow_origins: whose pages a browser may let use the server, such as `"https://example.org"`; `"*"` for all.
        tls_cert: file with the certificate chain, for HTTPS and encrypted gRPC.
        tls_key: file with its private key; None if it is in `tls_cert`.
        grpc_receive_bytes: of a message over gRPC; 0 follows `max_body_bytes`.
        grpc_send_bytes: of an answer over gRPC; 0 for any.

    Raises:
        ValueError: a number that makes no sense, an unknown engine, or a key without a certificate.

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
    strict_json: bool = False
    allow_origins: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    grpc_receive_bytes: int = 0
    grpc_send_bytes: int = 0

    def __post_init__(self) -> None:
        if self.engine is not None and self.engine not in MODEL_FILES:
            raise ValueError(f"Expected an engine of {', '.join(MODEL_FILES)}; got {self.engine!r}.")
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            if name in _WHOLE:
                check_whole(name, value)
            if name in _SECONDS:
                check_number(name, value, above=0)
        check_number("batch_timeout_ms", self.batch_timeout_ms, least=0)
        for name in ("grpc_receive_bytes", "grpc_send_bytes"):
            check_whole(name, getattr(self, name), 0, (1 << 31) - 1)
        if isinstance(self.allow_origins, str):
            raise ValueError(f"Expected allow_origins to be several texts; got the one {self.allow_origins!r}.")
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("Expected tls_cert beside tls_key: a key alone encrypts nothing.")


@dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Attributes:
        name: in the addresses.
        folder: holds the version folders `1`, `2`, ...
        latest: how many of the newest versions are served; None for all.
        versions: serve these numbers instead.
        labels: version numbers by label; labelled versions are served, too.
        batching: whether requests may be joined into one run: True or False whatever the versions say of themselves;
            None believes what zoo's export measured, and joins nothing of a version that says nothing.
    """

    name: str
    folder: Path
    latest: int | None = 1
    versions: tuple[int, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    batching: bool | None = None

    def wanted(self, found: set[int]) -> set[int]:
        """Which of the versions in the folder should be served."""
        if self.versions:
            chosen = found & set(self.versions)
        else:
            chosen = set(sorted(found)[-self.latest :] if self.latest else found)
        return chosen | (found & set(self.labels.values()))
