"""The addresses of the HTTP side: TensorFlow Serving's `/v1/models`, health and counters."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from zoo.serving import answers, codec, metrics, openapi
from zoo.serving.errors import RequestError, cancelled, invalid
from zoo.serving.messages import Request, Response
from zoo.serving.metadata import model_metadata
from zoo.serving.models import VersionStatus
from zoo.serving.runners import BYTES_SIGNATURE
from zoo.serving.service import Service
from zoo.serving.versions import Arrays, Lease

_MODEL = re.compile(
    rf"/v1/models/(?P<name>{openapi.NAME})"
    rf"(?:/versions/(?P<version>{openapi.NUMBER})|/labels/(?P<label>{openapi.NAME}))?"
    r"(?P<action>:predict|:[a-z]+|/metadata)?"
)
_ASIDE_FROM = 1 << 17  # bytes; what is shorter is parsed and written in the event loop, without a change of thread
_THREADS = 8
Extra = Callable[[Request], Response | None]
Made = TypeVar("Made")


class Rest:
    """From requests to responses.

    Args:
        service: the models.
        extra: asked, in a thread, about paths that are none of the server's own, such as `/`.
    """

    def __init__(self, service: Service, extra: Extra = lambda request: None) -> None:
        self._service, self._extra = service, extra
        self._long = ThreadPoolExecutor(_THREADS, thread_name_prefix="zoo-long")
        self._pages_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="zoo-page")
        self._pages = {
            "/healthz": self._health,
            "/readyz": self._readiness,
            "/metrics": self._metrics,
            "/monitoring/prometheus/metrics": self._metrics,
            "/v1/models": self._list,
            "/openapi.json": lambda: _json(openapi.description(self._service.models)),
        }

    def close(self) -> None:
        """Ends the threads."""
        self._long.shutdown(wait=False, cancel_futures=True)
        self._pages_pool.shutdown(wait=False, cancel_futures=True)

    async def __call__(self, request: Request) -> Response:
        """The answer; a `RequestError` where there is none."""
        found = _MODEL.fullmatch(request.path)
        if found:
            return await self._model(request, found)
        if request.path in self._pages:
            if request.method not in ("GET", "HEAD"):
                raise _malformed(request)
            return self._pages[request.path]()
        if request.path.startswith("/v1/"):
            raise _malformed(request)
        extra = await asyncio.get_running_loop().run_in_executor(self._pages_pool, self._extra, request)
        if extra is None:
            raise RequestError("NOT_FOUND", f"Not found: {request.path}")
        return extra

    async def _model(self, request: Request, found: re.Match[str]) -> Response:
        name, label = found["name"], found["label"]
        version = int(found["version"]) if found["version"] else None
        if request.method == "POST" and found["action"] == ":predict":
            return await self._predict(request, name, version, label)
        if request.method in ("GET", "HEAD") and found["action"] in (None, "/metadata"):
            describe = self._metadata if found["action"] else self._status
            return _json(describe(name, version, label))
        raise _malformed(request)

    async def _predict(self, request: Request, name: str, version: int | None, label: str | None) -> Response:
        service, size = self._service, len(request.body)
        with service.request(name, "rest"), service.model(name).use(version, label) as lease:
            body = await self._aside(size >= _ASIDE_FROM, codec.parse_body, request.body)
            wanted, chosen = codec.signature_name(body), codec.parameters(body)
            spec = lease.version.signature(wanted)
            inputs, by_row = await self._aside(
                size >= _ASIDE_FROM, codec.parse_inputs, body, spec, service.settings.max_rows
            )
            outputs = await self._run(request, lease, wanted, inputs)
            rows = len(body["instances"]) if by_row else None
            strict = service.settings.strict_json if chosen.strict_json is None else chosen.strict_json
            facts = lease.version.runner.facts if chosen.labels else None
            long = sum(np.asarray(value).nbytes for value in outputs.values()) >= _ASIDE_FROM
            return Response(
                200, await self._aside(long, lambda: answers.render(outputs, rows, strict=strict, facts=facts))
            )

    async def _run(self, request: Request, lease: Lease, name: str, inputs: Arrays) -> Mapping[str, np.ndarray]:
        """The outputs; a request whose client goes while it waits for its turn is not run."""
        prepared = await self._aside(name == BYTES_SIGNATURE, lease.prepare, name, inputs)
        request.job = lease.version.submit(*prepared)
        try:
            return await asyncio.wrap_future(request.job)
        except ValueError as error:
            raise invalid(str(error)) from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():  # the job was cancelled, and not this task
                raise cancelled() from None
            raise

    async def _aside(self, long: bool, function: Callable[..., Made], *arguments: Any) -> Made:
        """A function's result; of one that takes long by way of a thread, so that the event loop goes on."""
        if not long:
            return function(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._long, function, *arguments)

    def _metadata(self, name: str, version: int | None, label: str | None) -> dict[str, Any]:
        with self._service.model(name).use(version, label) as lease:
            found = lease.version
            return model_metadata(name, found.number, found.signatures, found.runner.labels)

    def _status(self, name: str, version: int | None, label: str | None) -> dict[str, Any]:
        if name not in self._service.models:
            raise RequestError("NOT_FOUND", f"Could not find any versions of model {name}")
        statuses = self._service.models[name].statuses(version, label)
        return {"model_version_status": [_status_json(status) for status in statuses]}

    def _list(self) -> Response:
        """Every model with the states of its versions."""
        models = self._service.models.items()
        return _json(
            {
                "models": [
                    {"name": name, "model_version_status": [_status_json(status) for status in model.known()]}
                    for name, model in models
                ]
            }
        )

    def _health(self) -> Response:
        return _json({"status": "ok"})

    def _readiness(self) -> Response:
        if self._service.ready:
            return _json({"status": "ready"})
        waiting = [name for name, model in self._service.models.items() if not model.ready]
        reason = "the server is stopping" if self._service.stopping else f"no version of {', '.join(waiting)} is loaded"
        raise RequestError("UNAVAILABLE", reason)

    def _metrics(self) -> Response:
        if not self._service.metrics.available:
            raise RequestError("UNIMPLEMENTED", 'metrics need prometheus_client: pip install "zoo[serving]"')
        return Response(200, self._service.prometheus(), metrics.CONTENT_TYPE)


def _status_json(status: VersionStatus) -> dict[str, Any]:
    code = "UNKNOWN" if status.error else "OK"
    reason = {"error_code": code, "error_message": status.error}
    return {"version": str(status.number), "state": status.state, "status": reason}


def _json(value: Any) -> Response:
    return Response(200, json.dumps(value, indent=2).encode())


def _malformed(request: Request) -> RequestError:
    return invalid(f"Malformed request: {request.method} {request.path}")
