"""HTTP/1.1 by aiohttp: an event loop in a thread of its own, which reads requests, has them answered, and sends.

The protocol is the library's. Here is what bounds it: sizes, times, packing, pages of other origins, an orderly end.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from zoo.serving import bodies
from zoo.serving.errors import RequestError, invalid, unavailable
from zoo.serving.messages import Request, Response, error_response
from zoo.serving.ports import open_socket
from zoo.serving.settings import Settings

log = logging.getLogger("zoo.serving")
_PACKED_ASIDE_FROM = 1 << 16  # bytes of an answer; longer ones are not packed in the event loop
_LAST_SECONDS = 1.0  # for the rest of answers to be sent, at the end
_METHODS = "GET, HEAD, POST, OPTIONS"
_PACKED_FROM = 1024  # bytes of an answer; shorter ones are not worth it
_ASIDE_FROM = 1 << 12  # bytes of a packed body; longer ones are not unpacked in the event loop
Answer = Callable[[Request], Awaitable[Response]]


class HttpServer:
    """Listens, and answers in an event loop of its own.

    Args:
        address: host and port; port 0 takes a free one.
        settings: limits and times.
        answer: from a request to its response. May raise a `RequestError`.

    Raises:
        ImportError: aiohttp is not installed.
        OSError: the address is taken or not of this machine, or the certificate cannot be read.
    """

    def __init__(self, address: tuple[str, int], settings: Settings, answer: Answer) -> None:
        try:
            from aiohttp import web

            from zoo.serving.connections import Manager
        except ImportError as error:
            raise ImportError('serving needs aiohttp: pip install "zoo[serving]"') from error
        self._web, self._settings, self._answer, self.stopping = web, settings, answer, False
        self._tls = _tls(settings)
        self._socket = open_socket(address)
        self.port = int(self._socket.getsockname()[1])
        self._running: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="zoo-http", daemon=True)
        self._make_manager = lambda: Manager(self._respond, settings)
        self._manager: Any = None
        self._listener: asyncio.Server | None = None

    def start(self) -> None:
        """Begins to accept connections."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self, grace: float) -> None:
        """Closes idle connections, lets the others finish for `grace` seconds, and closes them, too."""
        self.stopping = True
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(grace), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._socket.close()
        self._loop.close()

    async def _listen(self) -> None:
        self._manager = self._make_manager()
        seconds = self._settings.read_seconds if self._tls else None
        self._listener = await self._loop.create_server(
            self._manager, sock=self._socket, ssl=self._tls, ssl_handshake_timeout=seconds
        )

    async def _end(self, grace: float) -> None:
        if self._listener is not None:
            self._listener.close()
        for connection in self._manager.connections:
            if not connection.active:
                connection.force_close()
        if self._running:
            await asyncio.wait(set(self._running), timeout=grace)
        for connection in self._manager.connections:
            connection.force_close()  # what is written is still sent, what is not yet answered is cancelled
        end = self._loop.time() + _LAST_SECONDS
        while self._manager.connections and self._loop.time() < end:
            await asyncio.sleep(0.01)

    async def _respond(self, raw: Any) -> Any:
        """The answer to a request, whatever happens."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)  # until the answer is written
        task.add_done_callback(self._running.discard)
        connection = raw.protocol
        end = connection.begin(raw.content)
        try:
            response = await self._answered(raw, connection, end)
        except RequestError as error:
            response = error_response(error)
        except Exception:
            log.exception("%s %s failed", raw.method, raw.path[:200])
            response = error_response(RequestError("INTERNAL", "internal error; the server's log says more"))
        return self._made(raw, connection, response)

    async def _answered(self, raw: Any, connection: Any, end: float) -> Response:
        settings = self._settings
        if connection.refused:
            raise unavailable(f"{settings.max_connections} connections are open: try again later")
        bodies.check_head(raw.method, raw.headers, settings.max_body_bytes)
        path = _decoded(raw.raw_path)
        if raw.headers.get("Expect", "").lower() == "100-continue":
            await raw.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            raw.writer.output_size = 0  # the answer itself has not begun
        try:
            body = await bodies.read(raw.content, settings.max_body_bytes, end, settings.read_seconds)
        except (self._web.RequestPayloadError, ConnectionError) as error:
            raise invalid(f"the body cannot be read: {str(error) or 'it ended too early'}") from error
        coding = raw.headers.get("Content-Encoding", "")
        if coding:
            unpack = bodies.unpack if len(body) < _ASIDE_FROM else _aside(bodies.unpack)
            unpacked = unpack(body, coding, settings.max_body_bytes)
            body = unpacked if isinstance(unpacked, bytes) else await unpacked
        if raw.method == "OPTIONS":
            return Response(204, b"", headers={"Allow": _METHODS} | self._preflight(raw.headers))
        connection.request = request = Request(raw.method, path, body, raw.headers)
        return await self._answer(request)

    def _made(self, raw: Any, connection: Any, response: Response) -> Any:
        """The response as aiohttp sends it."""
        headers = {"Server": "zoo", **response.headers, **self._origin(raw.headers)}
        if response.status != 204:
            headers["Content-Type"] = response.content_type
        made = self._web.Response(
            body=response.body, status=response.status, headers=headers, zlib_executor_size=_PACKED_ASIDE_FROM
        )
        if len(response.body) >= _PACKED_FROM:
            made.headers["Vary"] = ", ".join(filter(None, ("Accept-Encoding", headers.get("Vary"))))
            if _takes_gzip(raw.headers.get("Accept-Encoding", "")):
                made.enable_compression(self._web.ContentCoding.gzip)
        unread = response.status == 411 or not raw.content.is_eof()
        if self.stopping or connection.refused or connection.ended or unread:
            made.force_close()
        connection.end()
        return made

    def _origin(self, headers: Any) -> dict[str, str]:
        """What lets a page of an allowed origin read the answer."""
        allowed, origin = self._settings.allow_origins, headers.get("Origin", "")
        if not allowed:
            return {}
        if "*" in allowed:
            return {"Access-Control-Allow-Origin": "*"}
        return {"Vary": "Origin"} | ({"Access-Control-Allow-Origin": origin} if origin in allowed else {})

    def _preflight(self, headers: Any) -> dict[str, str]:
        """What a browser asks before it lets a page of another origin send a request."""
        if "Access-Control-Allow-Origin" not in self._origin(headers):
            return {}
        wanted = headers.get("Access-Control-Request-Headers", "Content-Type")
        return {
            "Access-Control-Allow-Methods": _METHODS,
            "Access-Control-Allow-Headers": wanted,
            "Access-Control-Max-Age": "600",
        }


def _aside(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    return lambda *arguments: asyncio.to_thread(function, *arguments)


def _decoded(target: str) -> str:
    """The path of a request target, percent-encoded or plain UTF-8."""
    path = target.partition("?")[0]
    try:
        return unquote_to_bytes(path.encode("utf-8", "surrogateescape")).decode()
    except UnicodeDecodeError as error:
        raise invalid("Malformed request: the path is not UTF-8") from error


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` lists gzip, and not with the weight 0."""
    for item in accepted.lower().split(","):
        name, _, weight = item.partition(";")
        if name.strip() in ("gzip", "x-gzip"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _tls(settings: Settings) -> ssl.SSLContext | None:
    """Encryption, where a certificate is given."""
    if settings.tls_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise OSError(f"the certificate {settings.tls_cert} and its key cannot be used: {error}") from error
    return context
