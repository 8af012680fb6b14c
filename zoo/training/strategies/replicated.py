"""The training loop over TensorFlow replicas, in one process or in several."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras

from zoo import _keras
from zoo.training.strategies.base import cut
from zoo.training.strategies.step import ReplicatedStep


class ReplicatedModel(ReplicatedStep):
    """A functional model with loops of its own, which take what zoo's training loop gives them.

    Keras' `fit` cannot reduce values across processes, and gives some replicas no rows where a last batch is small,
    which some operations do not take. Here training batches are this process' share, cut into equal parts, and every
    replica evaluates all of the validation data, so that any number of rows is counted exactly once.
    """

    def fit(
        self,
        x: keras.utils.PyDataset,
        *,
        epochs: int = 1,
        initial_epoch: int = 0,
        verbose: int | str = "auto",
        callbacks: list[keras.callbacks.Callback] | None = None,
        shuffle: bool = False,
        validation_data: Any = None,
        validation_batch_size: int = 32,
    ) -> keras.callbacks.History:
        """Trains on this process' share of every batch, in their order, and validates after every epoch.

        Raises:
            ValueError: `shuffle`, which the processes would do each in its own way.
        """
        if shuffle:
            raise ValueError("Expected shuffle=False: the batches are trained on in the order in which they come.")
        runner = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=len(x),
        )
        self.stop_training = False
        self._create_variables(x[0])
        x.on_epoch_end()  # Keras' own fit ends the epoch of this first look too: so both see the same data
        runner.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in range(initial_epoch, epochs):
            self.reset_metrics()
            runner.on_epoch_begin(epoch)
            self._train_epoch(x, runner)
            x.on_epoch_end()
            logs = _numbers(self.get_metrics_result())
            if validation_data is not None:
                found = self.evaluate(*validation_data, batch_size=validation_batch_size, return_dict=True)
                logs |= {f"val_{name}": value for name, value in found.items()}
            runner.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        self.optimizer.finalize_variable_values(self.trainable_variables)
        runner.on_train_end(logs)
        return self.history

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        batch_size: int = 32,
        callbacks: keras.callbacks.CallbackList | None = None,
        return_dict: bool = False,
        verbose: int = 0,
    ) -> Any:
        """Loss and metrics of arrays, or of a data set, that every process has in full."""
        runner = callbacks or keras.callbacks.CallbackList()
        whole = (
            _all(x) if y is None else _batches((x, y) if sample_weight is None else (x, y, sample_weight), batch_size)
        )
        self.reset_metrics()
        runner.on_test_begin()
        for index, batch in enumerate(whole):
            runner.on_test_batch_begin(index)
            self._create_variables(batch)
            runner.on_test_batch_end(index, _numbers(self._make_step("test_step")(self._distribute(batch, parts=1))))
        logs = _numbers(self.get_metrics_result())
        runner.on_test_end(logs)
        return logs if return_dict else list(logs.values())

    def _create_variables(self, batch: Any) -> None:
        """Makes the variables of optimizer and metrics, which cannot be made inside a replica; does so once."""
        with self.distribute_strategy.scope():
            _keras.create_variables(self, batch)

    def _train_epoch(self, batches: keras.utils.PyDataset, runner: keras.callbacks.CallbackList) -> None:
        parts = len(self.distribute_strategy.extended.worker_devices)
        for index, batch in enumerate(_made_ahead(batches)):
            runner.on_train_batch_begin(index)
            logs = _numbers(self._make_step("train_step")(self._distribute(batch, parts=parts)))
            runner.on_train_batch_end(index, logs)
            # Callbacks may work in another thread; what is decided here, all processes decide after the same step.
            if self.stop_training or not all(map(math.isfinite, logs.values())):
                break

    def _make_step(self, name: str) -> Any:
        """A traced step of all replicas that returns the mean of what they report."""
        import tensorflow as tf

        if name not in self._traced:
            strategy = self.distribute_strategy

            def one_replica(data: Any) -> Any:
                outputs = getattr(self, name)(data)
                return tf.distribute.get_replica_context().all_reduce("MEAN", outputs)

            @tf.function(autograph=False)
            def step(data: Any) -> Any:
                replicas = strategy.run(one_replica, args=(data,))
                return keras.tree.map_structure(lambda value: strategy.experimental_local_results(value)[0], replicas)

            self._traced[name] = step
        return self._traced[name]

    def _distribute(self, batch: Any, *, parts: int) -> Any:
        """A batch as values of the replicas: each replica of this process has one of `parts` equal parts."""
        import tensorflow as tf

        def value(context: Any) -> Any:
            part = context.replica_id_in_sync_group % parts
            return keras.tree.map_structure(tf.convert_to_tensor, cut(batch, part, parts))

        return self.distribute_strategy.experimental_distribute_values_from_function(value)


def _made_ahead(batches: keras.utils.PyDataset) -> Iterator[Any]:
    """The batches of an epoch, each one made while the one before it is in use."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(batches.__getitem__, 0)
        for index in range(1, len(batches) + 1):
            batch = following.result()
            if index < len(batches):
                following = pool.submit(batches.__getitem__, index)
            yield batch


def _all(batches: keras.utils.PyDataset) -> Iterator[Any]:
    for index in range(len(batches)):
        yield batches[index]


def _batches(data: Any, size: int) -> Iterator[Any]:
    rows = len(keras.tree.flatten(data)[0])
    for start in range(0, rows, size):
        yield keras.tree.map_structure(lambda array, start=start: array[start : start + size], data)


def _numbers(logs: dict[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in logs.items()}
