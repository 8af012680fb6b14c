"""The running server: HTTP, gRPC, and the look-out for new versions."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any
from urllib.parse import quote

from zoo.serving.http import HttpServer
from zoo.serving.models import ServedModel
from zoo.serving.page import Page
from zoo.serving.ports import taken
from zoo.serving.rest import Rest
from zoo.serving.service import Service
from zoo.serving.settings import ModelConfig, Settings

log = logging.getLogger("zoo.serving")


class Server:
    """Serves models until it is closed. A context manager; `zoo.serve(..., wait=False)` returns one.

    Args:
        configs: the models.
        host: address to listen on.
        port: for HTTP; 0 takes a free one.
        grpc_port: for gRPC; 0 takes a free one, None leaves gRPC out.
        settings: everything else.

    Raises:
        OSError: an address is taken or not of this machine.
        ValueError: no model has a version that can be loaded.
        ImportError: the extra `serving` is not installed.
    """

    def __init__(
        self, configs: Sequence[ModelConfig], *, host: str, port: int, grpc_port: int | None, settings: Settings
    ) -> None:
        self.host, self.settings = host, settings
        self.service = Service(configs, settings)
        self._rest = Rest(self.service, Page(self.service))
        self._http = self._listen_http(port)
        self._grpc = None
        self._stop, self._closed = threading.Event(), threading.Event()
        self._poller = threading.Thread(target=self._poll, name="zoo-versions", daemon=True)
        try:
            if grpc_port is not None:
                from zoo.serving.grpc_api import GrpcServer

                self._grpc = GrpcServer((host, grpc_port), self.service)
            self.service.refresh(at_once=True)
            self._check_loaded()
        except BaseException:
            self._http.stop(0)
            if self._grpc:
                self._grpc.stop(0)
            raise
        self._http.start()
        if self._grpc:
            self._grpc.start()
        self._poller.start()

    @property
    def port(self) -> int:
        """Of HTTP."""
        return self._http.port

    @property
    def grpc_port(self) -> int | None:
        """Of gRPC; None without it."""
        return self._grpc.port if self._grpc else None

    @property
    def url(self) -> str:
        """The address of the HTTP side, without a slash at its end."""
        scheme = "https" if self.settings.tls_cert else "http"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def served(self) -> list[tuple[str, str, str, str]]:
        """Model, version, engine and address of everything that is available."""
        return [
            (name, str(number), engine, f"{self.url}/v1/models/{quote(name)}")
            for name, model in self.service.models.items()
            for number, engine in model.engines().items()
        ]

    def wait(self) -> None:
        """Returns when the process was told to stop (SIGTERM or Ctrl-C) and the server has been closed.

        A second signal ends the process at once. What is loaded is left out of Python's search for cycles, which
        the lists of JSON bodies set off every second or two: over all modules it holds up answers for half a second.
        """
        told = threading.Event()
        former: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            for stop in (signal.SIGTERM, signal.SIGINT):
                former[stop] = signal.signal(stop, lambda *_: told.set())
        try:
            gc.collect()
            gc.freeze()
            while not told.wait(1.0) and not self._stop.is_set():
                pass
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            gc.unfreeze()
            self.close()

    def close(self) -> None:
        """Takes no new requests, lets those in progress finish for a bounded time, and unloads the models."""
        if self._stop.is_set():
            self._closed.wait()
            return
        self.service.stopping = True
        self._stop.set()
        ending = threading.Thread(target=self._http.stop, args=(self.settings.grace_seconds,), daemon=True)
        ending.start()
        if self._grpc:
            self._grpc.stop(self.settings.grace_seconds)
        ending.join()
        self._poller.join(self.settings.grace_seconds)
        self._rest.close()
        for model in self.service.models.values():
            model.close()
        self._closed.set()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _listen_http(self, port: int) -> HttpServer:
        try:
            return HttpServer((self.host, port), self.settings, self._rest)
        except (OSError, OverflowError) as error:
            raise taken(self.host, port, error) from error

    def _check_loaded(self) -> None:
        """Says which models cannot be served; a `ValueError` if that is all of them."""
        bad = {name: _reason(model) for name, model in self.service.models.items() if not model.ready}
        told = [f"The model {name!r} cannot be served: {reason}" for name, reason in bad.items()]
        if len(bad) == len(self.service.models):
            raise ValueError("\n".join(told))
        for line in told:
            log.error("%s", line)
        for name, model in self.service.models.items():
            for label, number in model.config.labels.items():
                if number not in model.engines():
                    log.warning("the label %s of %s names version %d, which is not there", label, name, number)

    def _poll(self) -> None:
        while not self._stop.wait(self.settings.poll_seconds):
            try:
                self.service.refresh()
                if self._grpc:
                    self._grpc.show_health()
            except Exception:  # whatever happened to a folder, what is loaded goes on serving
                log.exception("looking for new versions failed")


def _reason(model: ServedModel) -> str:
    """Why a model has no version that answers."""
    failed = [f"version {status.number}: {status.error}" for status in model.known()]
    if model.litert:
        several = len(model.litert) > 1
        numbers = ", ".join(map(str, sorted(model.litert)))
        failed.append(
            f"version{'s' if several else ''} {numbers} {'are LiteRT files' if several else 'is a LiteRT file'}, "
            "which this server does not run: export it as savedmodel or onnx"
        )
    return "; ".join(failed) or f"no version of it is in {model.config.folder}"
