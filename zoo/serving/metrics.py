"""What the server counts, for Prometheus; nothing is counted where `prometheus_client` is not installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """The counters of one server."""

    def __init__(self) -> None:
        self.available = importlib.util.find_spec("prometheus_client") is not None
        if not self.available:
            return
        import prometheus_client as prometheus

        self._registry = registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "zoo_requests", "Answered requests.", ["model", "protocol", "code"], registry=registry
        )
        self._seconds = prometheus.Histogram(
            "zoo_request_seconds",
            "Time from a request's last byte to its answer.",
            ["model", "protocol"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._rows = prometheus.Histogram(
            "zoo_batch_rows", "Rows of the runs of a model.", ["model"], buckets=_ROWS, registry=registry
        )
        self._busy = prometheus.Gauge("zoo_requests_in_progress", "Requests being answered.", registry=registry)
        self._versions = prometheus.Gauge(
            "zoo_model_version", "1 for a version in this state.", ["model", "version", "state"], registry=registry
        )

    def request(self, model: str, protocol: str, code: str, seconds: float) -> None:
        """Counts an answered request; `model` is one of the served names or empty, never what a client made up."""
        if self.available:
            self._requests.labels(model, protocol, code).inc()
            self._seconds.labels(model, protocol).observe(seconds)

    def batch(self, model: str, rows: int) -> None:
        """Counts a run of a model."""
        if self.available:
            self._rows.labels(model).observe(rows)

    def render(self, busy: int, versions: Iterable[tuple[str, int, str]]) -> bytes:
        """The text that Prometheus reads; versions as (model, number, state)."""
        from prometheus_client import generate_latest

        self._busy.set(busy)
        self._versions.clear()
        for model, number, state in versions:
            self._versions.labels(model, str(number), state).set(1)
        text: Any = generate_latest(self._registry)
        return bytes(text)
