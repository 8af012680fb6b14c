"""What can go wrong with a request, by the canonical codes that gRPC and TensorFlow Serving share."""

from __future__ import annotations

_STATUS = {
    "INVALID_ARGUMENT": 400,
    "CANCELLED": 400,
    "NOT_FOUND": 404,
    "DEADLINE_EXCEEDED": 408,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
_LONGEST = 1000  # characters of a message: some repeat what the client sent


class RequestError(Exception):
    """A request that cannot be answered.

    Args:
        code: a canonical code, such as `"INVALID_ARGUMENT"`.
        message: for the client.
        status: HTTP status; by default the one that TensorFlow Serving gives for the code.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        shown = message if len(message) <= _LONGEST else f"{message[:_LONGEST]}..."
        super().__init__(shown)
        self.code, self.message, self.status = code, shown, status or _STATUS[code]


def invalid(message: str) -> RequestError:
    """The request itself is wrong: 400."""
    return RequestError("INVALID_ARGUMENT", message)


def not_found(message: str) -> RequestError:
    """The request asks for what is not served: 404."""
    return RequestError("NOT_FOUND", message)


def unavailable(message: str) -> RequestError:
    """The server cannot take the request now: 503."""
    return RequestError("UNAVAILABLE", message)


def cancelled() -> RequestError:
    """Whoever asked has gone, and the request had not been run yet."""
    return RequestError("CANCELLED", "the client closed its side of the connection while the request was waiting")
