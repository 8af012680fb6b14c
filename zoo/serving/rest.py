"""The addresses of the HTTP side: TensorFlow Serving's `/v1/models`, health and counters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from zoo.serving import codec, metrics
from zoo.serving.errors import RequestError, invalid
from zoo.serving.http import Request, Response
from zoo.serving.metadata import model_metadata
from zoo.serving.models import VersionStatus
from zoo.serving.service import Service

_MODEL = re.compile(
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:predict|:[a-z]+|/metadata)?"
)
Extra = Callable[[Request], Response | None]


class Rest:
    """From requests to responses.

    Args:
        service: the models.
        extra: asked about paths that are none of the server's own, such as `/`.
    """

    def __init__(self, service: Service, extra: Extra = lambda request: None) -> None:
        self._service, self._extra = service, extra
        self._pages = {
            "/healthz": self._health,
            "/readyz": self._readiness,
            "/metrics": self._metrics,
            "/monitoring/prometheus/metrics": self._metrics,
        }

    def __call__(self, request: Request) -> Response:
        """The answer; a `RequestError` where there is none."""
        path = urlsplit(request.path).path
        found = _MODEL.fullmatch(path)
        if found:
            return self._model(request, path, found)
        if path in self._pages:
            if request.method not in ("GET", "HEAD"):
                raise _malformed(request)
            return self._pages[path]()
        if path.startswith("/v1/"):
            raise _malformed(request)
        extra = self._extra(request)
        if extra is None:
            raise RequestError("NOT_FOUND", f"Not found: {path}")
        return extra

    def _model(self, request: Request, path: str, found: re.Match[str]) -> Response:
        name = unquote(found["name"])
        version = int(found["version"]) if found["version"] else None
        label = unquote(found["label"]) if found["label"] else None
        if request.method == "POST" and found["action"] == ":predict":
            return self._predict(name, version, label, request.body)
        if request.method in ("GET", "HEAD") and found["action"] in (None, "/metadata"):
            describe = self._metadata if found["action"] else self._status
            return _json(describe(name, version, label))
        raise _malformed(request)

    def _predict(self, name: str, version: int | None, label: str | None, body: bytes) -> Response:
        service = self._service
        with service.request(name, "rest"):
            with service.model(name).use(version, label) as lease:
                request = codec.parse_body(body)
                signature = codec.signature_name(request)
                spec = lease.version.signature(signature)
                inputs, by_row = codec.parse_inputs(request, spec, service.settings.max_rows)
                outputs = lease.run(signature, inputs)
            return Response(200, codec.render(outputs, by_row))

    def _metadata(self, name: str, version: int | None, label: str | None) -> dict[str, Any]:
        with self._service.model(name).use(version, label) as lease:
            return model_metadata(name, lease.version.number, lease.version.signatures)

    def _status(self, name: str, version: int | None, label: str | None) -> dict[str, Any]:
        if name not in self._service.models:
            raise RequestError("NOT_FOUND", f"Could not find any versions of model {name}")
        statuses = self._service.models[name].statuses(version, label)
        return {"model_version_status": [_status_json(status) for status in statuses]}

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
