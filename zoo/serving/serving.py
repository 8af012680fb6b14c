"""`zoo.serve`: from names or folders to a running server."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from zoo._suggestions import suggests
from zoo.serving import sources
from zoo.serving.ports import check_ports, has_grpc
from zoo.serving.server import Server
from zoo.serving.settings import ModelConfig, Settings

log = logging.getLogger("zoo.serving")
PathLike = str | os.PathLike[str]


@suggests
def serve(
    models: PathLike | Sequence[PathLike] = (),
    *,
    model_dir: PathLike | None = None,
    config_file: PathLike | None = None,
    host: str = "127.0.0.1",
    port: int = 8501,
    grpc_port: int | None = 8500,
    labels: Mapping[str, int] | None = None,
    batching: bool | Sequence[str] = (),
    settings: Settings | None = None,
    wait: bool = True,
) -> Server:
    """Serves models over the REST and gRPC interfaces of TensorFlow Serving.

    Args:
        models: names as `zoo.load` takes them, which are exported into the user's cache first, or folders with version
            folders in them.
        model_dir: serve every model in this folder, as `zoo.export` writes it.
        config_file: serve the models of this `models.config` of TensorFlow Serving.
        host: address to listen on. There is no password: what is not loopback is open to whoever reaches it.
        port: for REST; 0 takes a free one.
        grpc_port: for gRPC; 0 takes a free one, None leaves gRPC out. Without the extra `serving` it is left out, too.
        labels: version numbers by label, or by `model:label` for one of several models.
        batching: models whose requests may be joined into one run although nothing says that the rows of a batch do
            not depend on each other; True for all. The exports of zoo say it of themselves, and are joined anyway.
        settings: engine, batch size, limits and times.
        wait: whether to return only when the process is told to stop (SIGTERM, or Ctrl-C). The server has been closed
            then.

    Returns:
        The server; running if `wait` is False.

    Raises:
        ValueError: nothing to serve, an unknown name, or a model that cannot be loaded.
        FileNotFoundError: a folder does not exist or holds no model.
        OSError: a port is taken.
        ImportError: an optional package is missing.

    Example:
        >>> server = serve(model_dir="exports", port=0, wait=False)  # doctest: +SKIP
        >>> server.url  # doctest: +SKIP
        'http://127.0.0.1:39041'
        >>> server.close()  # doctest: +SKIP
        >>> try:
        ...     serve("no_such_model", port=0)
        ... except ValueError as error:
        ...     print("no_such_model" in str(error))
        True
    """
    settings = settings or Settings()
    check_ports(host, port, grpc_port if has_grpc() else None)
    given = [models] if isinstance(models, (str, os.PathLike)) else list(models)
    configs: list[ModelConfig] = [sources.exported(name, settings.engine) for name in given]
    if model_dir is not None:
        configs += sources.in_folder(model_dir)
    if config_file is not None:
        configs += sources.from_file(config_file)
    if not configs:
        raise ValueError("Nothing to serve: name a model, or a folder of exported models with --model-dir.")
    configs = sources.with_batching(sources.with_labels(configs, labels or {}), batching)
    if grpc_port is not None and not has_grpc():
        log.warning('REST only: gRPC needs tensorflow-serving-api (pip install "zoo[serving]")')
        grpc_port = None
    server = Server(configs, host=host, port=port, grpc_port=grpc_port, settings=settings)
    if wait:
        server.wait()
    return server
