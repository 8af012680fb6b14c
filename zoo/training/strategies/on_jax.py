"""JAX: data and model parallelism by `keras.distribution`, in one process or in several."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras

from zoo.training.strategies.base import Strategy, lost

LOST = "(gloo|nccl) .*(failed|error)|connection (reset|closed|refused)|heartbeat|coordination service"
"""What errors say when another process is gone."""


class DataParallel(Strategy):
    """Every device has all variables and a part of each batch; statistics of a batch are those of the whole batch.

    Args:
        devices: use the first so many; None means all.

    Raises:
        ValueError: there are fewer than two devices.
    """

    name = "data_parallel"

    def __init__(self, devices: int | None = None) -> None:
        found = _list_devices(self.name, devices, at_least=2)
        self._set_up(found, keras.distribution.DataParallel(devices=found, auto_shard_dataset=False))

    def _set_up(self, found: list[str], distribution: keras.distribution.Distribution) -> None:
        import jax

        self._distribution = distribution
        self.replicas = distribution.num_model_replicas
        self.processes, self.process = jax.process_count(), jax.process_index()
        several = f" in {self.processes} processes, this one is number {self.process}" if self.processes > 1 else ""
        self.devices = f"{len(found)} devices ({found[0].split(':')[0]}){several}"

    def scope(self) -> AbstractContextManager[Any]:
        """Context in which Keras places variables and batches on the devices."""
        return self._distribution.scope()

    def trainer(self, model: keras.Model) -> keras.Model:
        """A model of the same layers that can evaluate any number of rows."""
        return EvenModel(model.input, model.output, name=model.name)

    def joined(self) -> AbstractContextManager[None]:
        """Within it what JAX raises when a process is gone is a `ConnectionError`."""
        import jax

        if self.processes == 1:
            return super().joined()
        return lost(self.processes, (jax.errors.JaxRuntimeError, ValueError), LOST)  # of Gloo a ValueError

    def meet(self) -> None:
        """Waits until every process has come here."""
        if self.processes > 1:
            from jax.experimental import multihost_utils

            multihost_utils.sync_global_devices("zoo")


class Tpu(DataParallel):
    """Data parallelism over TPU cores.

    Raises:
        ValueError: JAX finds no TPU.
    """

    name = "tpu"

    def __init__(self, devices: int | None = None) -> None:
        found = _list_devices(self.name, devices, at_least=1)
        if not found[0].startswith("tpu"):
            raise ValueError(
                f"The strategy 'tpu' needs TPU devices; JAX found {', '.join(found)}. On a TPU machine install "
                '"jax[tpu]"; elsewhere use another strategy.'
            )
        self._set_up(found, keras.distribution.DataParallel(devices=found, auto_shard_dataset=False))


class ModelParallel(DataParallel):
    """A mesh of devices, batch by model: two devices share the variables, each pair has a part of the batch.

    Kernels are cut along their last axis, the output channels, where it is even; all else is on every device.

    Raises:
        ValueError: the number of devices is odd or below two, or there are several processes.
    """

    name = "model_parallel"

    def __init__(self, devices: int | None = None) -> None:
        import jax

        found = _list_devices(self.name, devices, at_least=2)
        if jax.process_count() > 1:
            raise ValueError(
                f"The strategy 'model_parallel' runs in one process, since every process must see all variables to "
                f"save them; got {jax.process_count()} processes. Use 'data_parallel' across processes."
            )
        if len(found) % 2:
            raise ValueError(f"The strategy 'model_parallel' needs an even number of devices; got {len(found)}.")
        mesh = keras.distribution.DeviceMesh((len(found) // 2, 2), ("batch", "model"), found)
        self._set_up(found, _make_layout(mesh))
        self.devices += f", mesh {len(found) // 2} (batch) by 2 (model)"


def _make_layout(mesh: keras.distribution.DeviceMesh) -> keras.distribution.ModelParallel:
    class OutputChannels(keras.distribution.ModelParallel):
        """The rule needs shapes, which Keras' map from names to layouts does not have."""

        def get_variable_layout(self, variable: Any) -> Any:
            shape = variable.shape
            axes: list[str | None] = [None] * len(shape)
            if len(shape) > 1 and shape[-1] % mesh.shape[1] == 0:
                axes[-1] = "model"
            return keras.distribution.TensorLayout(axes, mesh)

    return OutputChannels(
        layout_map=keras.distribution.LayoutMap(mesh), batch_dim_name="batch", auto_shard_dataset=False
    )


class EvenModel(keras.Model):
    """A functional model that evaluates on every device the whole of each batch.

    Keras cuts every batch like the first one, so a last batch that is smaller stops it, and every process would have
    to feed its own share of the data. This way any number of rows is counted exactly once.
    """

    def evaluate(self, *arguments: Any, **keywords: Any) -> Any:
        """As `keras.Model.evaluate`."""
        with _whole_batches(keras.distribution.distribution()):
            return super().evaluate(*arguments, **keywords)


@contextmanager
def _whole_batches(distribution: Any) -> Iterator[None]:
    if distribution is None:  # after the strategy's scope
        yield
        return

    def get_data_layout(shape: Any) -> Any:
        return keras.distribution.TensorLayout([None] * len(shape), distribution.device_mesh)

    distribution.get_data_layout = get_data_layout
    try:
        yield
    finally:
        del distribution.get_data_layout


def count_devices() -> int:
    """Devices of all connected processes."""
    connect()
    return len(keras.distribution.list_devices())


def connect() -> None:
    """Joins the processes that Keras' environment variables name, once; does nothing where they are not set."""
    import jax

    if "KERAS_DISTRIBUTION_JOB_ADDRESSES" not in os.environ or jax.distributed.is_initialized():
        return
    # Both matter on CPUs alone. Without order between programs in flight, their sums could meet each other's across
    # processes.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    keras.distribution.initialize()


def _list_devices(name: str, count: int | None, *, at_least: int) -> list[str]:
    connect()
    found = keras.distribution.list_devices()[:count]
    if len(found) < at_least:
        raise ValueError(
            f"The strategy {name!r} needs at least {at_least} devices; JAX found {', '.join(found)}. Use the strategy "
            "'single', or split the CPU with JAX_NUM_CPU_DEVICES=8 to try it out."
        )
    return found
