"""A plain HTTP client that keeps its connection open."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """A response over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The message of TensorFlow Serving's error JSON, which holds nothing else."""
        ((key, message),) = self.json.items()
        assert key == "error" and self.headers["content-type"] == "application/json"
        return message


class Client:
    """One connection that stays open."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        content = json.dumps(body).encode() if isinstance(body, (dict, list)) else body
        chunked = not (content is None or isinstance(content, bytes))
        self.connection.request(method, path, content, headers or {}, encode_chunked=chunked)
        response = self.connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def predict(self, body: Any, where: str = "/v1/models/net") -> Answer:
        return self.ask("POST", f"{where}:predict", body)

    def close(self) -> None:
        self.connection.close()
