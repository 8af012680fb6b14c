"""The parts of a batch prediction on a Ray cluster."""

from __future__ import annotations

import logging
import os
import pickle
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.batch.extra import load_ray
from zoo.batch.output import count_attempt, forget_attempts
from zoo.batch.source import Part
from zoo.batch.worker import Job, Worker

_OBJECT_STORE = 128 << 20  # bytes; only descriptions of parts travel through it
_ATTEMPTS = 5  # Ray restarts workers for ever; a part that kills each of them must come to an end
_PASSED_ON = ("KERAS_", "ZOO_", "TF_", "XLA_", "JAX_", "TORCH_", "OMP_")


def run(
    job: Job, parts: Sequence[Part], advance: Callable[[int], Any], *, workers: int, worker_gpus: float = 0.0
) -> None:
    """Predicts parts on Ray actors, each of which loads the model once.

    A part whose worker dies is given to another worker, or to the restarted one; since a part is a function of the
    source and becomes a file in one rename, repeating it changes nothing.

    Args:
        job: what is the same for all parts.
        parts: what to do.
        advance: called after each part with its number of rows.
        workers: how many actors.
        worker_gpus: GPUs that an actor asks for.

    Raises:
        ImportError: Ray Data is not installed.
        ChildProcessError: the workers of one part died again and again.
        Exception: whatever a worker raised.
        ValueError: the cluster has fewer GPUs than the workers ask for.
    """
    ray = load_ray()
    workers = min(workers, len(parts))
    with _cluster(ray, workers):
        gpus = ray.cluster_resources().get("GPU", 0.0)
        if worker_gpus * workers > gpus:  # Ray would wait for more machines
            raise ValueError(f"{workers} workers with {worker_gpus:g} GPUs each; the cluster has {gpus:g} GPUs.")
        items = [{"part": pickle.dumps(part)} for part in parts]
        dataset = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            _actor_class(),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers),
            fn_constructor_args=(job,),
            num_gpus=worker_gpus or None,
            runtime_env=_runtime(),
        )
        for row in dataset.iter_rows():
            if row["failure"]:
                raise pickle.loads(row["failure"])
            advance(int(row["rows"]))


def _actor_class() -> type:
    worker_class = Worker

    class Actor:
        """A worker in the form that Ray Data calls.

        What it raises comes back as a value: Ray would wrap it in exceptions of its own.
        """

        def __init__(self, job: Job) -> None:
            self.job = job
            self.worker: Worker | None = None

        def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            (part,) = (pickle.loads(data) for data in batch["part"])
            failure = b""
            try:
                self.work(part)
            except Exception as error:
                failure = pickle.dumps(error)
            return {"rows": np.array([part.rows]), "failure": np.array([failure], object)}

        def work(self, part: Part) -> None:
            folder = Path(self.job.out)
            if count_attempt(folder, part.number) > _ATTEMPTS:
                raise ChildProcessError(
                    f"Workers died {_ATTEMPTS} times on the same rows, those of part {part.number}. The parts that "
                    "are done are kept: the same call goes on with the others."
                )
            if self.worker is None:
                self.worker = worker_class(self.job)
            self.worker.work(part)
            forget_attempts(folder, part.number)

    return Actor


def _runtime() -> dict[str, Any]:
    """What Ray starts workers with."""
    runtime: dict[str, Any] = {"env_vars": _environment()}
    if " " in sys.executable and not os.environ.get("RAY_ADDRESS"):
        runtime["py_executable"] = shlex.quote(sys.executable)  # Ray puts it into a line of bash as it is
    return runtime


def _environment() -> dict[str, str]:
    """The settings that decide a worker's backend and where it finds weights."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    return passed | {"KERAS_BACKEND": keras.backend.backend()}


@contextmanager
def _cluster(ray: Any, workers: int) -> Iterator[None]:
    """The cluster of this process; one that is started here is stopped at the end."""
    context = ray.data.DataContext.get_current()
    bars, context.enable_progress_bars = context.enable_progress_bars, False
    started = not ray.is_initialized()
    try:
        with _quiet("ray", "ray.data"):
            if started and os.environ.get("RAY_ADDRESS"):
                ray.init(logging_level=logging.ERROR, log_to_driver=False)
            elif started:
                ray.init(
                    num_cpus=workers,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE,
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                )
            yield
    finally:
        context.enable_progress_bars = bars
        if started:
            ray.shutdown()


@contextmanager
def _quiet(*names: str) -> Iterator[None]:
    """Loggers that say only what went wrong."""
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
