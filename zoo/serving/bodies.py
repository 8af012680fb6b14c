"""The bodies of requests: read up to a length and a moment, and unpacked up to a length."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

from zoo.serving.errors import RequestError, invalid

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_PLAIN = ("", "identity")
_PACKED = ("gzip", "x-gzip", "deflate")


def check_head(method: str, headers: Any, limit: int) -> None:
    """Refuses, before it is read, a body whose head says that it would be refused anyway."""
    coding = headers.get("Content-Encoding", "").strip().lower()
    if coding not in (*_PLAIN, *_PACKED):
        raise _wrong(415, f"bodies packed with gzip or deflate are accepted; got {coding[:40]!r}")
    transfer = headers.get("Transfer-Encoding")
    if transfer is not None and transfer.strip().lower() != "chunked":
        raise invalid(f"a body in chunks is accepted; got the Transfer-Encoding {transfer[:40]!r}")
    length = headers.get("Content-Length")
    if length is None and transfer is None and method == "POST":
        raise _wrong(411, "a POST request needs a Content-Length, or a body in chunks")
    if length is not None and (len(length) > 15 or int(length) > limit):
        raise _wrong(413, f"a body of at most {limit} bytes is accepted; got {length[:40]}")


async def read(content: Any, limit: int, end: float, seconds: float) -> bytes:
    """The whole body as it came.

    Args:
        content: aiohttp's stream.
        limit: bytes.
        end: when it must have arrived, by the clock of the event loop.
        seconds: what the client is told it had.
    """
    if content.is_eof():
        body = bytes(content.read_nowait())
        return _bounded(body, limit)
    parts = bytearray()
    try:
        async with asyncio.timeout_at(end):
            async for part in content.iter_any():
                parts += part
                _bounded(parts, limit)
    except TimeoutError as error:
        raise _wrong(408, f"the request did not arrive within {seconds:g} seconds") from error
    return bytes(parts)


def unpack(body: bytes, coding: str, limit: int) -> bytes:
    """The body without its compression, of at most `limit` bytes.

    Raises:
        RequestError: 400 for what is not in that format, 413 for more bytes.
    """
    if coding.strip().lower() in _PLAIN:
        return body
    parts, rest = bytearray(), body
    while rest:  # a gzip file may have several members, one after the other
        unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            parts += unpacker.decompress(rest, limit + 1 - len(parts))
        except zlib.error as error:
            raise invalid(f"the body cannot be unpacked: {error}") from error
        if len(parts) > limit or unpacker.unconsumed_tail:
            raise _wrong(413, f"a body of at most {limit} bytes is accepted; it unpacks to more")
        if not unpacker.eof:
            raise invalid("the body cannot be unpacked: it ends too early")
        rest = unpacker.unused_data
    return bytes(parts)


def _bounded(body: Any, limit: int) -> Any:
    if len(body) > limit:
        raise _wrong(413, f"a body of at most {limit} bytes is accepted; got more")
    return body


def _wrong(status: int, message: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", message, status)
