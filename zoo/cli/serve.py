"""`zoo serve`: answer requests over REST and gRPC."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any

import zoo
from zoo.cli import output

_FIELDS = {
    "max_batch_size": "rows joined into one run of the model; 1 turns batching off",
    "batch_timeout_ms": "longest wait for requests that are already being read",
    "parallel_runs": "runs of one model at the same time",
    "poll_seconds": "between two looks for new versions",
    "max_body_bytes": "of a request",
    "max_rows": "of a request",
    "max_requests": "in progress at the same time",
    "max_connections": "open at the same time",
    "read_seconds": "for a request to arrive",
    "idle_seconds": "after which an unused connection is closed",
    "grace_seconds": "for requests in progress when the server stops",
    "grpc_receive_bytes": "of a message over gRPC; 0 follows --max-body-bytes",
    "grpc_send_bytes": "of an answer over gRPC; 0 for any",
}


def register(commands: Any) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "serve",
        help="serve models over REST and gRPC",
        description="Serve models over the REST and gRPC interfaces of TensorFlow Serving, until SIGTERM or Ctrl-C.",
    )
    parser.add_argument("models", nargs="*", metavar="NAME", help="models (exported first), or folders of versions")
    parser.add_argument("--model-dir", metavar="DIR", help="serve every <model>/<number>/ in this folder")
    parser.add_argument("--config-file", metavar="FILE", help="serve what a models.config of TensorFlow Serving lists")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8501, help="for REST; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--grpc-port", type=int, default=8500, help="for gRPC (default: %(default)s)")
    parser.add_argument("--no-grpc", action="store_true", help="REST only")
    parser.add_argument("--engine", choices=("onnx", "tensorflow"), help="default: what the version folders hold")
    parser.add_argument("--label", action="append", default=[], metavar="[MODEL:]LABEL=N", help="name a version")
    parser.add_argument(
        "--enable-batching",
        action="append",
        nargs="?",
        const="",
        default=[],
        metavar="MODEL",
        help="join requests of this model (without a name: of all), whose rows you know not to depend on each other",
    )
    parser.add_argument("--strict-json", action="store_true", help='write "NaN" and "Infinity" in quotes')
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let a browser's pages of this origin use the server; * for all",
    )
    parser.add_argument("--tls-cert", metavar="FILE", help="certificate chain: HTTPS and encrypted gRPC")
    parser.add_argument("--tls-key", metavar="FILE", help="its private key, if it is not in the same file")
    defaults = zoo.serving.Settings()
    for name, text in _FIELDS.items():
        default = getattr(defaults, name)
        option = "--" + name.replace("_", "-")
        parser.add_argument(
            option, type=type(default), default=default, metavar="N", help=f"{text} (default: {default})"
        )
    output.add_quiet(parser)
    parser.set_defaults(run=run, check=check, checked_names="models")


def check(options: argparse.Namespace) -> None:
    """A port that is taken is said before models are exported."""
    zoo.serving.check_ports(options.host, options.port, None if options.no_grpc else options.grpc_port)


def run(options: argparse.Namespace) -> int:
    """Serves until the process is told to stop."""
    logging.basicConfig(stream=sys.stderr, format="zoo: %(message)s")
    logging.getLogger("zoo.serving").setLevel(logging.WARNING if options.quiet else logging.INFO)
    server = zoo.serve(
        options.models,
        model_dir=options.model_dir,
        config_file=options.config_file,
        host=options.host,
        port=options.port,
        grpc_port=None if options.no_grpc else options.grpc_port,
        labels=dict(map(_label, options.label)),
        batching=True if "" in options.enable_batching else options.enable_batching,
        settings=zoo.serving.Settings(
            engine=options.engine,
            strict_json=options.strict_json,
            allow_origins=tuple(options.allow_origin),
            tls_cert=options.tls_cert,
            tls_key=options.tls_key,
            **{name: getattr(options, name) for name in _FIELDS},
        ),
        wait=False,
    )
    table = output.table("model", "version", "engine", "address")
    for row in server.served():
        table.add_row(*row)
    grpc = f"{options.host}:{server.grpc_port}" if server.grpc_port else "off"
    output.show(table, f"page: {server.url}/   gRPC: {grpc}   stop: Ctrl-C")
    sys.stdout.flush()
    server.wait()
    return 0


def _label(text: str) -> tuple[str, int]:
    label, _, number = text.partition("=")
    if not label or not number.isdecimal():
        raise ValueError(f"Expected --label LABEL=NUMBER or MODEL:LABEL=NUMBER; got {text!r}.")
    return label, int(number)
