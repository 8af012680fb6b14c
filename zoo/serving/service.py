"""What REST and gRPC share: the models, the limit on requests, the counters."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from zoo.serving.errors import RequestError, not_found, unavailable
from zoo.serving.metrics import Metrics
from zoo.serving.models import ServedModel
from zoo.serving.settings import ModelConfig, Settings


class Service:
    """The served models.

    Args:
        configs: of the models.
        settings: of the server.
    """

    def __init__(self, configs: Sequence[ModelConfig], settings: Settings) -> None:
        self.settings, self.metrics, self.stopping = settings, Metrics(), False
        self.models = {config.name: self._model(config) for config in configs}
        self._lock = threading.Lock()
        self._busy = 0

    def model(self, name: str) -> ServedModel:
        """The model of that name; a 404 in TensorFlow Serving's words when there is none."""
        if name not in self.models:
            raise not_found(f"Servable not found for request: Latest({name})")
        return self.models[name]

    @property
    def busy(self) -> int:
        """Requests being answered."""
        return self._busy

    @property
    def ready(self) -> bool:
        """Whether every model can answer."""
        return not self.stopping and all(model.ready for model in self.models.values())

    @contextmanager
    def request(self, name: str, protocol: str) -> Iterator[None]:
        """Around the work on one request: the limit and the counters.

        Raises:
            RequestError: UNAVAILABLE, when too many requests are in progress.
        """
        start, code = time.perf_counter(), "OK"
        try:
            with self._place():
                yield
        except RequestError as error:
            code = error.code
            raise
        except Exception:
            code = "INTERNAL"
            raise
        except BaseException:  # asyncio's, when the client has gone
            code = "CANCELLED"
            raise
        finally:
            known = name if name in self.models else ""
            self.metrics.request(known, protocol, code, time.perf_counter() - start)

    def refresh(self, *, at_once: bool = False) -> None:
        """Looks for new versions of every model."""
        for model in self.models.values():
            model.refresh(at_once=at_once)

    def prometheus(self) -> bytes:
        """The counters as text."""
        states = [
            (name, status.number, status.state) for name, model in self.models.items() for status in model.known()
        ]
        return self.metrics.render(self._busy, states)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._lock:
            if self._busy >= self.settings.max_requests:
                raise unavailable(f"{self._busy} requests are in progress, and no more are accepted: try again later")
            self._busy += 1
        try:
            yield
        finally:
            with self._lock:
                self._busy -= 1

    def _model(self, config: ModelConfig) -> ServedModel:
        return ServedModel(config, self.settings, lambda rows: self.metrics.batch(config.name, rows))
