"""A real HTTP server on loopback that misbehaves on demand, and counts what it sends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Manner = Callable[["Handler"], None]


class Server(ThreadingHTTPServer):
    """Serves `content` under every path; `script` holds one manner for each coming request, then `honest`."""

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.script: list[Manner] = []
        self.requests: list[tuple[str, str | None]] = []
        self.sent = 0
        self.released = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        manner = self.server.script.pop(0) if self.server.script else honest
        manner(self)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def start(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def body(self, data: bytes) -> None:
        self.server.sent += len(data)
        self.wfile.write(data)
        self.wfile.flush()

    def first_byte(self) -> int:
        return int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))


def honest(handler: Handler) -> None:
    """Answer ranges with 206 and the rest of the file."""
    content, first = handler.server.content, handler.first_byte()
    if handler.headers.get("Range") is None:
        handler.start(200, Content_Length=len(content))
    else:
        where = f"bytes {first}-{len(content) - 1}/{len(content)}"
        handler.start(206, Content_Length=len(content) - first, Content_Range=where)
    handler.body(content[first:])


def without_range(handler: Handler) -> None:
    handler.start(200, Content_Length=len(handler.server.content))
    handler.body(handler.server.content)


def shifted_range(handler: Handler) -> None:
    """Claim another range than the one asked for."""
    content = handler.server.content
    handler.start(206, Content_Length=len(content) - 1, Content_Range=f"bytes 1-{len(content) - 1}/{len(content)}")
    handler.body(content[1:])


def truncated(count: int, *, announce: bool = True) -> Manner:
    """Close the connection after `count` bytes, with or without having announced the full length."""

    def manner(handler: Handler) -> None:
        rest = handler.server.content[handler.first_byte() :]
        where = {"Content_Range": f"bytes {handler.first_byte()}-"} if handler.headers.get("Range") else {}
        handler.start(206 if where else 200, **({"Content_Length": len(rest)} if announce else {}), **where)
        handler.body(rest[:count])

    return manner


def stalled(count: int) -> Manner:
    """Send `count` bytes, then nothing until the test ends."""

    def manner(handler: Handler) -> None:
        handler.start(200, Content_Length=len(handler.server.content))
        handler.body(handler.server.content[:count])
        handler.server.released.wait(20)

    return manner


def corrupted(handler: Handler) -> None:
    content = bytearray(handler.server.content)
    content[len(content) // 2] ^= 1
    handler.start(200, Content_Length=len(content))
    handler.body(bytes(content))


def too_long(handler: Handler) -> None:
    handler.start(200)
    handler.body(handler.server.content + b"more")


def another_file(handler: Handler) -> None:
    handler.start(200, Content_Length=5)
    handler.body(b"sorry")


def slow(handler: Handler) -> None:
    threading.Event().wait(0.7)
    honest(handler)


def status(code: int) -> Manner:
    def manner(handler: Handler) -> None:
        handler.start(code, Content_Length=0)

    return manner


def redirect(target: str) -> Manner:
    def manner(handler: Handler) -> None:
        handler.start(302, Location=target, Content_Length=0)

    return manner


@contextmanager
def serve(content: bytes) -> Iterator[Server]:
    server = Server(content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
