"""The ports that a server listens on, looked at before anything slow begins."""

from __future__ import annotations

import importlib.util
import socket

_BACKLOG = 256


def check_ports(host: str, port: int, grpc_port: int | None) -> None:
    """Says that a port is taken before a model is exported for it, which takes half a minute.

    Args:
        host: address to listen on.
        port: for REST; 0 is always free.
        grpc_port: for gRPC; None for none.

    Raises:
        OSError: a port is taken or none at all, or the address is not of this machine.

    Example:
        >>> check_ports("127.0.0.1", 0, None)
    """
    for number, cannot in ((port, taken), (grpc_port if has_grpc() else None, grpc_taken)):
        if number:
            try:
                open_socket((host, number)).close()
            except (OSError, OverflowError) as error:
                raise cannot(host, number, error) from error


def taken(host: str, port: int, error: Exception) -> OSError:
    """What to say where REST cannot listen."""
    reason = str(getattr(error, "strerror", None) or error).rstrip(".")
    return OSError(f"Cannot listen on {host}:{port}: {reason}. Choose another port with --port.")


def has_grpc() -> bool:
    """Whether what gRPC needs is installed."""
    needed = ("grpc", "grpc_health", "grpc_reflection", "tensorflow_serving")
    return all(importlib.util.find_spec(name) is not None for name in needed)


def grpc_taken(host: str, port: int, error: Exception | None = None) -> OSError:
    """What to say where gRPC cannot listen; its own error, as that of a socket in its place, is no help."""
    return OSError(
        f"gRPC cannot listen on {host}:{port}: the port is taken, or the address is not of this machine. Choose "
        "another port with --grpc-port, or leave gRPC out with --no-grpc."
    )


def open_socket(address: tuple[str, int]) -> socket.socket:
    """A socket that listens on an address of either version of IP."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    return socket.create_server(address, family=family, backlog=_BACKLOG)
