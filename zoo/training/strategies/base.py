"""What a training loop needs to know of its devices; alone it is the strategy `single`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import keras

from zoo._reading import first_line


class Strategy:
    """One device of one process; the other strategies override what they do differently.

    A loop calls `check_batch` with the recipe's batch size, builds, compiles and fits inside `scope()`, fits
    `trainer(model)` instead of the model, on `share(batches)`, and writes files where `is_chief` is true.

    Attributes:
        name: as on the command line.
        replicas: parts into which a batch is cut.
        processes: that train together.
        process: number of this one, from 0.
        devices: what takes part, in words.

    Example:
        >>> from zoo.training.strategies import choose
        >>> strategy = choose("single")
        >>> strategy.name, strategy.replicas, strategy.is_chief
        ('single', 1, True)
    """

    name: str = "single"
    replicas: int = 1
    processes: int = 1
    process: int = 0
    devices: str = "one device"

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that writes files and prints."""
        return self.process == 0

    def scope(self) -> AbstractContextManager[Any]:
        """Context in which the model is built, compiled and fitted."""
        return nullcontext()

    def trainer(self, model: keras.Model) -> keras.Model:
        """The model whose `fit` trains the variables of `model`; made inside `scope()`."""
        return model

    def share(self, batches: keras.utils.PyDataset) -> keras.utils.PyDataset:
        """The part of every batch that this process feeds; all of it where there is one process."""
        return batches if self.processes == 1 else Share(batches, self.process, self.processes)

    def meet(self) -> None:
        """Waits until every process has come here."""

    def joined(self) -> AbstractContextManager[None]:
        """Within it an error that means that another process is gone is a `ConnectionError` that says so."""
        return nullcontext()

    def check_batch(self, batch_size: int) -> None:
        """Raises ValueError unless a batch can be cut into equal parts, one a replica."""
        if batch_size % self.replicas:
            raise ValueError(
                f"The strategy {self.name!r} cuts a batch into {self.replicas} equal parts, and the batch size "
                f"{batch_size} is no multiple of {self.replicas}. Train on one device with strategy='single' "
                "(--strategy single), or choose fewer devices or another batch size."
            )

    def describe(self) -> str:
        """Name and devices in one line."""
        return f"{self.name}: {self.devices}"


@contextmanager
def lost(processes: int, kinds: tuple[type[Exception], ...], words: str = "") -> Iterator[None]:
    """Turns what a backend raises when another process is gone into an error that says what to do.

    A backend looks for the others by itself, and gives up after a time of its own (docs/reliability.md).

    Args:
        processes: that train together.
        kinds: errors of the backend.
        words: a pattern that such an error's text has; others pass.

    Raises:
        ConnectionError: instead of such an error.
    """
    try:
        yield
    except kinds as error:
        if not re.search(words, str(error), re.IGNORECASE):
            raise
        raise ConnectionError(
            f"One of the {processes} processes of this run has ended or cannot be reached, and the others cannot go on "
            f"without it: {first_line(error)[:300]}. Look at what it printed last, and start all of them again with "
            "the same commands: they go on from the last checkpoint."
        ) from error


class Share(keras.utils.PyDataset):
    """The rows of every batch that one process of several feeds.

    Process 0 has the first rows of each batch, process 1 the next, so that all together see the batch in its order.

    Args:
        batches: gives (inputs, labels) or (inputs, labels, weights); arrays or nested structures of arrays.
        process: number of this process.
        processes: how many there are.

    Raises:
        ValueError: on reading a batch whose rows cannot be divided evenly.
    """

    def __init__(self, batches: keras.utils.PyDataset, process: int, processes: int) -> None:
        super().__init__()
        self._batches, self._process, self._processes = batches, process, processes

    def __len__(self) -> int:
        """Batches an epoch, the same in every process."""
        return len(self._batches)

    def __getitem__(self, index: int) -> Any:
        """This process' rows of one batch."""
        return cut(self._batches[index], self._process, self._processes)

    def on_epoch_end(self) -> None:
        """Passes the end of an epoch on."""
        self._batches.on_epoch_end()


def cut(batch: Any, part: int, parts: int) -> Any:
    """Rows of one of `parts` equal parts of a batch.

    Raises:
        ValueError: the rows cannot be divided evenly.
    """

    def rows(array: Any) -> Any:
        if len(array) % parts:
            raise ValueError(f"Expected a batch that {parts} processes or devices can share; got {len(array)} rows.")
        size = len(array) // parts
        return array[part * size : (part + 1) * size]

    return keras.tree.map_structure(rows, batch)
