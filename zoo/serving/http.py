"""HTTP/1.1 on the standard library: bounded connections, deadlines for slow senders, an orderly end.

Every connection has a thread, which waits for the next request without holding anything. What a handler returns goes
out in one piece, without Nagle's delay.
"""

from __future__ import annotations

import io
import json
import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from zoo.serving.errors import RequestError, unavailable
from zoo.serving.settings import Settings

log = logging.getLogger("zoo.serving")
JSON = "application/json"
_LINGER_SECONDS = 2.0
_REFUSING = 32  # connections over the limit that get an answer instead of being closed at once


@dataclass(frozen=True)
class Request:
    """A request that has arrived as a whole."""

    method: str
    path: str
    body: bytes
    headers: Message


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


class _TimedReader(io.RawIOBase):
    """Reads a socket up to a moment, however slowly the bytes trickle in."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.deadline = connection, 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the request did not arrive in time")
        self.connection.settimeout(remaining)
        return self.connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def setup(self) -> None:
        """Puts a reader with a deadline under the buffered file."""
        super().setup()
        self.rfile.close()
        self._timed = _TimedReader(self.connection)
        self.rfile = self._buffer = io.BufferedReader(self._timed, 1 << 16)

    def handle_one_request(self) -> None:
        """Waits for a request, answers it, and says through `close_connection` whether another may come."""
        self.close_connection = True
        if not self._wait_for_request():
            return
        seconds = self.server.settings.read_seconds
        self._timed.deadline = time.monotonic() + seconds
        self.requestline, self.request_version, self.command = "", "HTTP/1.1", ""
        try:
            request = self._read()
        except TimeoutError:
            self._refuse(408, f"the request did not arrive within {seconds:g} seconds")
            return
        if request is not None:
            self._send(self.server.respond(request, self._refused))

    def _wait_for_request(self) -> bool:
        """Whether a first byte came before the connection had been idle for too long."""
        self._timed.deadline = time.monotonic() + self.server.settings.idle_seconds
        with self.server.idle(self.connection):
            try:
                return bool(self._buffer.peek(1))
            except TimeoutError:
                return False

    def _read(self) -> Request | None:
        """The next request; None when it was refused."""
        self.raw_requestline = self.rfile.readline(65_537)
        if len(self.raw_requestline) > 65_536:
            self._refuse(414, "the request line is too long")
            return None
        if not self.parse_request():
            return None
        try:
            length = self._content_length()
        except RequestError as error:
            self._refuse(error.status, error.message)
            return None
        body = self.rfile.read(length) if length else b""
        if len(body) < length:
            self._refuse(400, f"the request ended after {len(body)} of {length} bytes")
            return None
        return Request(self.command, self.path, body, self.headers)

    @property
    def _refused(self) -> bool:
        return self.connection in self.server.refused

    def _content_length(self) -> int:
        """The length of the body; an error for what is not or cannot be read."""
        if "Transfer-Encoding" in self.headers:
            raise RequestError("INVALID_ARGUMENT", "send the body with a Content-Length, not in chunks", 411)
        if self.headers.get("Content-Encoding", "identity") != "identity":
            raise RequestError("INVALID_ARGUMENT", "compressed bodies are not accepted", 415)
        lengths = set(self.headers.get_all("Content-Length", []))
        if not lengths:
            if self.command == "POST":
                raise RequestError("INVALID_ARGUMENT", "a POST request needs a Content-Length", 411)
            return 0
        text = lengths.pop().strip()
        if lengths or not (text.isascii() and text.isdigit() and len(text) < 16):
            raise RequestError("INVALID_ARGUMENT", "the Content-Length is not a number")
        limit = self.server.settings.max_body_bytes
        if int(text) > limit:
            raise RequestError("INVALID_ARGUMENT", f"a body of at most {limit} bytes is accepted; got {text}", 413)
        return int(text)

    def handle_expect_100(self) -> bool:
        """Asks for the body, unless it would be refused anyway."""
        try:
            self._content_length()
        except RequestError as error:
            self._refuse(error.status, error.message)
            return False
        self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class finds wrong with a request, in the form of every other error."""
        self._refuse(int(code) if code < 500 else 400, f"Malformed request: {message or HTTPStatus(code).phrase}")

    def _refuse(self, status: int, message: str) -> None:
        """An error after which the rest of the connection's bytes cannot be understood."""
        self.close_connection = True
        try:
            self._send(error_response(RequestError("INVALID_ARGUMENT", message, status)))
            self._linger()
        except OSError:
            log.debug("a client left before its error was sent")

    def _send(self, response: Response) -> None:
        self.close_connection = self.close_connection or self.server.stopping or self._refused
        lines = [
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {response.content_type}",
            f"Content-Length: {len(response.body)}",
        ]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        elif self.request_version == "HTTP/1.0":
            lines.append("Connection: keep-alive")
        head = "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace")
        self.connection.settimeout(self.server.settings.idle_seconds)
        self.connection.sendall(head if self.command == "HEAD" else head + response.body)

    def _linger(self) -> None:
        """Reads away what the client still sends: closing on it would destroy the answer on its way."""
        self.connection.shutdown(socket.SHUT_WR)
        self._timed.deadline = time.monotonic() + _LINGER_SECONDS
        while self.rfile.read1(1 << 16):
            pass

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: requests are counted, and errors of the server logged where they happen."""


class HttpServer(socketserver.TCPServer):
    """Listens and gives every connection a thread.

    Args:
        address: host and port; port 0 takes a free one.
        settings: limits and times.
        answer: from a request to its response. May raise a `RequestError`.

    Raises:
        OSError: the address is taken or not of this machine.
    """

    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], settings: Settings, answer: Callable[[Request], Response]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.settings, self._answer, self.stopping = settings, answer, False
        self._changed = threading.Condition()
        self._idle: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self.refused: set[socket.socket] = set()
        super().__init__(address, _Handler)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), name="zoo-http", daemon=True)

    def start(self) -> None:
        """Begins to accept connections."""
        self._thread.start()

    def respond(self, request: Request, refused: bool) -> Response:
        """The answer to a request, whatever happens."""
        try:
            if refused:
                raise unavailable(f"{self.settings.max_connections} connections are open: try again later")
            return self._answer(request)
        except RequestError as error:
            return error_response(error)
        except Exception:
            log.exception("%s %s failed", request.method, request.path[:200])
            return error_response(RequestError("INTERNAL", "internal error; the server's log says more"))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Starts the connection's thread, or closes what is far over the limit."""
        with self._changed:
            excess = len(self._open) - self.settings.max_connections
            if excess >= _REFUSING:
                self.shutdown_request(request)
                return
            self._open.add(request)
            if excess >= 0:
                self.refused.add(request)
        threading.Thread(target=self._serve, args=(request, client_address), name="zoo-client", daemon=True).start()

    def idle(self, connection: socket.socket) -> _Idle:
        """A block in which the connection may be closed at any time."""
        return _Idle(self, connection)

    def stop(self, grace: float) -> None:
        """Closes idle connections, lets the others finish for `grace` seconds, and closes them, too."""
        self.stopping = True
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()
        with self._changed:
            for connection in self._idle:
                _hang_up(connection, socket.SHUT_RD)
            self._changed.wait_for(lambda: not self._open, grace)
            for connection in self._open:
                _hang_up(connection, socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._open, 1.0)

    def enter_idle(self, connection: socket.socket, entering: bool) -> None:
        """Notes whether a connection waits for a request."""
        with self._changed:
            if not entering:
                self._idle.discard(connection)
            elif self.stopping:
                _hang_up(connection, socket.SHUT_RD)
            else:
                self._idle.add(connection)

    def _serve(self, connection: socket.socket, client_address: Any) -> None:
        try:
            self.finish_request(connection, client_address)
        except OSError:
            log.debug("a client left")
        except Exception:
            log.exception("a connection failed")
        finally:
            with self._changed:
                self._open.discard(connection)
                self.refused.discard(connection)
                self._changed.notify_all()
            self.shutdown_request(connection)


class _Idle:
    """See `HttpServer.idle`; a class, because it is entered before every request."""

    __slots__ = ("_server", "_connection")

    def __init__(self, server: HttpServer, connection: socket.socket) -> None:
        self._server, self._connection = server, connection

    def __enter__(self) -> None:
        self._server.enter_idle(self._connection, True)

    def __exit__(self, *_: object) -> None:
        self._server.enter_idle(self._connection, False)


def _hang_up(connection: socket.socket, how: int) -> None:
    try:
        connection.shutdown(how)
    except OSError:
        log.debug("the connection was closed already")
