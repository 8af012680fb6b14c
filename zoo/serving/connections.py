"""What aiohttp's connections lack for a public server: deadlines for slow senders and readers, JSON errors, a limit.

Only this module is written against aiohttp's protocol class, by its public hooks.
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from zoo.serving.errors import RequestError
from zoo.serving.messages import Request, error_response
from zoo.serving.settings import Settings

log = logging.getLogger("zoo.serving")
_LINE = 1 << 16  # bytes of the request line, and of one header
_HEADERS = 100
_LINGER_SECONDS = 2.0
_REFUSING = 32  # connections over the limit that get an answer instead of being closed at once


class Connection(web.RequestHandler):
    """One connection.

    Attributes:
        refused: it is one too many, and its request gets a 503.
        ended: the client has closed its sending side.
        request: the one that is being answered, once it has arrived as a whole.
    """

    __slots__ = (
        "_settings", "refused", "ended", "request", "_active", "_content", "_began", "_timer", "_slow_reader",
        "_in_first_line",
    )  # fmt: skip

    def __init__(self, manager: Manager, settings: Settings, **options: Any) -> None:
        super().__init__(manager, **options)
        self._settings = settings
        self.refused = self.ended = self._active = self._in_first_line = False
        self.request: Request | None = None
        self._content: Any = None
        self._began: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._slow_reader: asyncio.TimerHandle | None = None

    @property
    def active(self) -> bool:
        """Whether a request is being read or answered."""
        return self._active

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counts the connection; far over the limit it is closed at once."""
        super().connection_made(transport)
        excess = len(self._manager.connections) - self._settings.max_connections  # type: ignore[union-attr]
        self.refused = excess > 0
        if excess > _REFUSING:
            self.force_close()

    def connection_lost(self, error: BaseException | None) -> None:
        """The client has gone."""
        _cancel(self._timer)
        _cancel(self._slow_reader)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Starts the clock with a request's first byte."""
        if data and not self._active and self._timer is None:
            self._began = self._loop.time()
            self._timer = self._loop.call_later(self._settings.read_seconds, self._late)
            self._in_first_line = True
        if self._in_first_line and data:
            data = self._quoted(data)
        super().data_received(data)

    def _quoted(self, data: bytes) -> bytes:
        """A request line with percent signs for plain UTF-8, which the parser would refuse."""
        line, end, rest = data.partition(b"\n")
        self._in_first_line = not end
        if line.isascii():
            return data
        return b"".join(b"%%%02X" % byte if byte > 127 else bytes((byte,)) for byte in line) + end + rest

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks for it, aiohttp has no use for it
        """The client sends nothing more: a request that is being answered still gets its answer, if its turn comes."""
        transport = self.transport
        idle = not self._active and self._timer is None
        if idle or transport is None or transport.get_extra_info("sslcontext") is not None:
            return False
        self.ended = True
        if self.request is not None and self.request.job is not None:
            self.request.job.cancel()
        self._check_complete()
        return True

    def _check_complete(self) -> None:
        """Ends the reading of a body that cannot come any more."""
        if self.ended and self._content is not None and not self._content.is_eof():
            self._content.set_exception(RequestError("INVALID_ARGUMENT", "the request ended before its body did"))

    def begin(self, content: Any) -> float:
        """A request's head has arrived: the moment at which the whole of it must be there."""
        _cancel(self._timer)
        self._timer, self._active, self._content, self.request = None, True, content, None
        began, self._began = self._began or self._loop.time(), None
        self._check_complete()
        return began + self._settings.read_seconds

    def end(self) -> None:
        """Its answer is ready. What of it was not read is thrown away, or the connection closes."""
        self._active = not self._content.is_eof()
        self.request = self._content = None

    def pause_writing(self) -> None:
        """Gives a client that does not read its answer a bounded time."""
        super().pause_writing()
        self._slow_reader = self._loop.call_later(self._settings.idle_seconds, self.force_close_now)

    def resume_writing(self) -> None:
        """The client reads again."""
        _cancel(self._slow_reader)
        super().resume_writing()

    def force_close_now(self) -> None:
        """Drops the connection with what is still to be sent."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self, request: Any, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What aiohttp finds wrong with a request, in the form of every other error."""
        _cancel(self._timer)
        self._active = False
        if isinstance(exc, LineTooLong) or "Too many headers" in (message or ""):
            status = 431
        reason = (message or type(exc).__name__).splitlines()[0][:200]
        error = RequestError("INVALID_ARGUMENT", f"Malformed request: {reason}", status if status < 500 else 400)
        answer = error_response(error)
        headers = {"Server": "zoo", "Content-Type": answer.content_type, "Connection": "close"}
        response = web.Response(body=answer.body, status=answer.status, headers=headers)
        response.force_close()
        return response

    def log_exception(self, *arguments: Any, **named: Any) -> None:
        """What goes wrong with a client is not for the server's log; its own errors are logged where they happen."""
        log.debug(*arguments, **named)

    def _late(self) -> None:
        """The head of a request did not arrive in time."""
        if self.transport is None or self._active:
            return
        seconds = self._settings.read_seconds
        body = json.dumps({"error": f"the request did not arrive within {seconds:g} seconds"}).encode()
        self.transport.write(
            b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        self.force_close()


class Manager(web.Server):
    """Makes the connections of one listener; `handler` answers their requests and is cancelled when a client leaves."""

    def __init__(self, handler: Any, settings: Settings) -> None:
        super().__init__(handler, handler_cancellation=True)
        self._settings = settings

    def __call__(self) -> Connection:
        """A new connection."""
        return Connection(
            self,
            self._settings,
            loop=self._loop,
            keepalive_timeout=self._settings.idle_seconds,
            access_log=None,
            max_line_size=_LINE,
            max_field_size=_LINE,
            max_headers=_HEADERS,
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,
        )


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
