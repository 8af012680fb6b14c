"""TensorFlow: several devices of one process, and several processes with a `TF_CONFIG`."""

from __future__ import annotations

import functools
import json
import os
from contextlib import AbstractContextManager
from typing import Any

import keras

from zoo.training.strategies.base import Strategy, lost
from zoo.training.strategies.replicated import ReplicatedModel


class Mirrored(Strategy):
    """`tf.distribute.MirroredStrategy` over all GPUs, or over the logical CPUs where there is no GPU.

    Args:
        devices: use the first so many; None means all.

    Raises:
        ValueError: there are fewer than two devices.
    """

    name = "mirrored"

    def __init__(self, devices: int | None = None) -> None:
        import tensorflow as tf

        found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        names = [device.name.removeprefix("/device:") for device in found][:devices]
        if len(names) < 2:
            raise ValueError(
                f"The strategy 'mirrored' needs at least two devices; TensorFlow found {', '.join(names)}. "
                "Use the strategy 'single', or look at tf.config.list_physical_devices()."
            )
        self._engine = _mirror(tuple(names))
        self.replicas = len(names)
        self.devices = ", ".join(names)

    def scope(self) -> AbstractContextManager[Any]:
        """Context of the mirrored variables."""
        return self._engine.scope()

    def trainer(self, model: keras.Model) -> keras.Model:
        """A model of the same layers whose step runs in every replica."""
        return ReplicatedModel(model.input, model.output, name=model.name)


class MultiWorker(Strategy):
    """`tf.distribute.MultiWorkerMirroredStrategy` over the processes that `TF_CONFIG` lists.

    Raises:
        ValueError: `TF_CONFIG` is not set, is no JSON, or does not say which process this is.
    """

    name = "multi_worker"

    def __init__(self) -> None:
        cluster = read_cluster()
        if not cluster:
            raise ValueError(
                "The strategy 'multi_worker' reads the processes from the environment variable TF_CONFIG, which is not "
                'set. An example: TF_CONFIG=\'{"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
                '"task": {"type": "worker", "index": 0}}\', with another index in each process.'
            )
        addresses, self.process = cluster
        self._engine = _connect(os.environ["TF_CONFIG"])
        self.processes = len(addresses)
        self.replicas = self._engine.num_replicas_in_sync
        self.devices = f"{self.replicas} replicas in {self.processes} processes, this one is number {self.process}"

    def scope(self) -> AbstractContextManager[Any]:
        """Context of the variables that all processes mirror."""
        return self._engine.scope()

    def joined(self) -> AbstractContextManager[None]:
        """Within it what TensorFlow raises when a process is gone is a `ConnectionError`."""
        from tensorflow import errors

        kinds = (errors.UnavailableError, errors.AbortedError, errors.CancelledError, errors.DeadlineExceededError)
        return lost(self.processes, kinds)

    def trainer(self, model: keras.Model) -> keras.Model:
        """A model of the same layers with a loop of its own."""
        return ReplicatedModel(model.input, model.output, name=model.name)


@functools.cache
def _mirror(names: tuple[str, ...]) -> Any:
    """One engine for all runs of a process: a second one would number its exchanges as the first one did."""
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


@functools.cache
def _connect(config: str) -> Any:
    """One engine for all runs of a process: its server can be started once."""
    import tensorflow as tf

    return tf.distribute.MultiWorkerMirroredStrategy()


def count_gpus() -> int:
    """GPUs that TensorFlow sees."""
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def read_cluster() -> tuple[list[str], int] | None:
    """Addresses of all training processes and the number of this one; None where `TF_CONFIG` names no cluster.

    Raises:
        ValueError: `TF_CONFIG` is no JSON, or does not say which process this is.
    """
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text) if text.strip() else {}
        cluster = config.get("cluster", {})
        addresses = [address for kind in ("chief", "worker") for address in cluster.get(kind, [])]
        if not addresses:
            return None
        task = config["task"]
        return addresses, addresses.index(cluster[task["type"]][int(task["index"])])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(
            "Expected TF_CONFIG to be JSON with `cluster` (lists of addresses under `chief` and `worker`) and `task` "
            f"(`type` and `index` of this process); got {text!r}."
        ) from error
