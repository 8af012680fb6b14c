"""The addresses of the page: its files, the models, the examples, and the explanation of an image."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo import hub
from zoo.serving import pictures
from zoo.serving.errors import RequestError, invalid, unavailable
from zoo.serving.messages import Request, Response
from zoo.serving.page.explaining import explain
from zoo.serving.service import Service

_HERE = Path(__file__).parent
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page/style.css": ("style.css", "text/css; charset=utf-8"),
    "/page/script.js": ("script.js", "text/javascript; charset=utf-8"),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
_AT_ONCE = 2  # explanations in progress: each runs the model on 145 images
_WAIT_SECONDS = 20.0
_MAX_EXAMPLES = 8
_KINDS = {".png": "image/png", ".jpg": "image/jpeg"}
# Which of the shipped photographs show what a data set's classes are; of the sets' own pictures none may be passed on.
_PHOTOGRAPHS = dict.fromkeys(("imagenet", "sun16", "places365"), "*.jpg") | {"cifar10": "cat.jpg"}
# In a checkout; an installed zoo has no examples.
_EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "images"


class Page:
    """Answers what the page asks for; None for any other path. The `extra` of `Rest`.

    Args:
        service: the models.
        examples: folder with one folder of images for each data set.
    """

    def __init__(self, service: Service, examples: Path = _EXAMPLES) -> None:
        self._service, self._examples = service, examples
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def __call__(self, request: Request) -> Response | None:
        """The answer; a `RequestError` for a request that is wrong."""
        path = request.path
        if path.startswith("/page/explain/"):
            _expect(request, "POST")
            return _json(self._explain(path.removeprefix("/page/explain/"), request.body))
        answer = self._read(path)
        if answer is not None:
            _expect(request, "GET", "HEAD")
        return answer

    def _read(self, path: str) -> Response | None:
        if path in _FILES:
            name, kind = _FILES[path]
            return Response(200, (_HERE / name).read_bytes(), kind, _HEADERS)
        if path == "/page/models":
            return _json([self._describe(name) for name in self._service.models])
        if path.startswith("/page/examples/"):
            return self._example(path.removeprefix("/page/examples/"))
        return None

    def _describe(self, name: str) -> dict[str, Any]:
        """What the page shows of a model."""
        try:
            with self._service.model(name).use() as lease:
                lease.end()
                runner = lease.version.runner
                shape = pictures.image_shape(runner)
                facts: dict[str, Any] = {"version": lease.version.number, "classes": len(runner.labels)}
                facts |= {"labels": list(runner.labels), "expects": _expects(runner.facts.name)}
                examples = self._examples_for(runner.facts.name) if shape else []
        except RequestError:
            return {"name": name, "ready": False, "images": False}
        files = [f"page/examples/{quote(file.relative_to(self._examples).as_posix())}" for file in examples]
        size = f"{shape[1]}×{shape[0]}" if shape else ""
        return {"name": name, "ready": True, "images": shape is not None, "size": size, "examples": files} | facts

    def _examples_for(self, model: str) -> list[Path]:
        """Shipped images of the data set that a registered name ends with: `e4net_mnistrot` has those of `mnistrot`.

        Models of photographs have the shipped ones, which are of no data set: all, or those of their classes.
        """
        if "_" not in model or "/" in model:
            return []
        data = model.rpartition("_")[2]
        folder = self._examples / ("photos" if data in _PHOTOGRAPHS else data)
        found = folder.glob(_PHOTOGRAPHS.get(data, "*"))
        return sorted(path for path in found if path.suffix in _KINDS)[:_MAX_EXAMPLES]

    def _example(self, name: str) -> Response | None:
        folder, _, file = name.partition("/")
        known = sorted(
            path for path in self._examples.glob("*/*") if path.suffix in _KINDS
        )  # compared, not joined: a name cannot lead elsewhere
        for path in known:
            if (path.parent.name, path.name) == (folder, file):
                return Response(200, path.read_bytes(), _KINDS[path.suffix], _HEADERS)
        return None

    def _explain(self, name: str, body: bytes) -> dict[str, Any]:
        if not body:
            raise invalid("The request holds no image: send the content of an image file.")
        with self._service.request(name, "page"), self._service.model(name).use() as lease:
            lease.end()  # nothing of this request is to be batched with others
            if not self._places.acquire(timeout=_WAIT_SECONDS):
                raise unavailable("Too many images are being explained: try again later.")
            try:
                return {"model": name, "version": lease.version.number} | explain(lease.version.runner, body)
            except ValueError as error:
                raise invalid(str(error)) from error
            finally:
                self._places.release()


def _expects(name: str) -> str:
    """What pictures a registered model was trained on, in words; nothing is known of others."""
    try:
        return str((hub.card(name).expects or {}).get("note") or "") if name else ""
    except (ValueError, OSError):
        return ""


def _expect(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise invalid(f"Malformed request: {request.method} {request.path}")


def _json(value: Any) -> Response:
    return Response(200, json.dumps(value).encode(), headers=_HEADERS)
