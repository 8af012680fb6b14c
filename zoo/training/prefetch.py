"""Batches made ahead of the model by threads."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras


class Prefetch(keras.utils.PyDataset):
    """A data set whose next batches are made by threads while the model works on this one.

    When batch i is asked for, the batches up to `i + max_queue_size` are begun. What comes out is what the data set
    itself gives for each index, in whatever order they are asked for: neither order nor content depends on the
    number of threads. (`PyDataset(workers=...)` does not promise that: on JAX and torch, Keras 3.15 then hands the
    first batch of a newly compiled model out last.) NumPy lets other threads run while it works on arrays.

    Args:
        batches: the data set; its `__getitem__` must be safe to call from several threads.
        workers: number of threads; 0 makes each batch when it is asked for.
        max_queue_size: batches made ahead at most.

    Raises:
        ValueError: a negative number of workers, or a queue without room.

    Example:
        >>> import numpy as np
        >>> class Squares(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 4
        ...
        ...     def __getitem__(self, index):
        ...         return np.array([index**2])
        >>> ahead = Prefetch(Squares(), workers=2)
        >>> [int(ahead[index][0]) for index in range(len(ahead))]
        [0, 1, 4, 9]
    """

    def __init__(self, batches: keras.utils.PyDataset, *, workers: int = 2, max_queue_size: int = 8) -> None:
        if workers < 0 or max_queue_size < 1:
            raise ValueError(
                "Expected at least 0 workers and a queue of at least 1 batch; got "
                f"workers={workers}, max_queue_size={max_queue_size}."
            )
        super().__init__()  # Keras' own workers stay off
        self._batches, self._ahead = batches, max_queue_size
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batches") if workers else None
        self._begun: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Batches of the data set."""
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        """The batch of this index; begins the next ones."""
        if self._pool is None:
            return self._batches[index]
        with self._lock:
            for number in range(index, min(index + self._ahead + 1, len(self))):
                if number not in self._begun:
                    self._begun[number] = self._pool.submit(self._batches.__getitem__, number)
            batch = self._begun.pop(index)
        return batch.result()

    def on_epoch_begin(self) -> None:
        """Tells the data set."""
        self._batches.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tells the data set, once no thread works on it any more; what was made ahead is dropped."""
        with self._lock:
            begun, self._begun = self._begun, {}
        for batch in begun.values():
            if not batch.cancel():
                batch.exception()  # waits
        self._batches.on_epoch_end()
