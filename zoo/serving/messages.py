"""A request and its response, whatever protocol library carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from zoo.serving.errors import RequestError

JSON = "application/json"


@dataclass
class Request:
    """A request that has arrived as a whole.

    Attributes:
        method: in capitals.
        path: decoded, without the query.
        body: unpacked.
        headers: by name, in any case.
        job: what runs or waits for it, to be cancelled when the client has gone.
    """

    method: str
    path: str
    body: bytes
    headers: Mapping[str, str]
    job: Future[Any] | None = None


@dataclass(frozen=True)
class Response:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def error_response(error: RequestError) -> Response:
    """An error as TensorFlow Serving writes it."""
    headers = {"Retry-After": "1"} if error.status == 503 else {}
    return Response(error.status, json.dumps({"error": error.message}).encode(), headers=headers)
