"""From the name of a strategy to the strategy, or to an error that says what this process could do instead."""

from __future__ import annotations

import keras

from zoo._suggestions import did_you_mean
from zoo.training.strategies import on_jax, on_tensorflow
from zoo.training.strategies.base import Strategy
from zoo.training.strategies.names import NAMES, OFFERED


def choose(name: str = "auto", *, devices: int | None = None) -> Strategy:
    """The strategy called `name`, ready to build models in.

    `auto` means: on TensorFlow `multi_worker` where `TF_CONFIG` names a cluster, else `mirrored` where there are
    several GPUs; on JAX `data_parallel` where there are several devices, in this process or in all connected ones; in
    every other case `single`. Call it before anything has run on the backend: connecting processes comes first.

    Args:
        name: one of `NAMES`.
        devices: use the first so many devices of one process; None means all. `multi_worker` takes no number.

    Raises:
        ValueError: unknown name, or one that this backend or these devices cannot serve.

    Example:
        >>> from zoo.training import strategies
        >>> strategies.choose("single").describe()
        'single: one device'
    """
    if name not in NAMES:
        hint = did_you_mean(name, NAMES)
        raise ValueError(f"Unknown strategy {name!r}.{hint} The strategies are {', '.join(NAMES)}.")
    backend = keras.backend.backend()
    if name == "auto":
        name = _choose_name(backend)
    _check_backend(name, backend)
    if name == "single":
        return Strategy()
    if backend == "tensorflow":
        return on_tensorflow.Mirrored(devices) if name == "mirrored" else on_tensorflow.MultiWorker()
    makers = {"data_parallel": on_jax.DataParallel, "model_parallel": on_jax.ModelParallel, "tpu": on_jax.Tpu}
    return makers[name](devices)


def fitting(strategy: Strategy, batch_size: int) -> Strategy:
    """What `auto` makes of its choice when it knows the batch: one device where the batch cannot be cut.

    Several connected processes keep the choice: each of them alone would write the same folder.

    Args:
        strategy: as `choose("auto")` gives it.
        batch_size: examples a step.

    Returns:
        The strategy, or `single`.

    Example:
        >>> fitting(choose("auto"), 64).processes
        1
    """
    if strategy.processes > 1 or batch_size % strategy.replicas == 0:
        return strategy
    single = Strategy()
    single.devices = f"one device of {strategy.replicas}, which cannot share batches of {batch_size} evenly"
    return single


def _choose_name(backend: str) -> str:
    if backend == "tensorflow":
        if on_tensorflow.read_cluster():
            return "multi_worker"
        return "mirrored" if on_tensorflow.count_gpus() > 1 else "single"
    return "data_parallel" if backend == "jax" and on_jax.count_devices() > 1 else "single"


def _check_backend(name: str, backend: str) -> None:
    offered = OFFERED.get(backend, ("single",))
    if name in offered:
        return
    home = next(other for other, names in OFFERED.items() if name in names)
    raise ValueError(
        f"The strategy {name!r} needs the backend {home}; this process runs on {backend}, which has "
        f"{', '.join(offered)}. Choose one of these, or set KERAS_BACKEND={home} before Python starts."
    )
