"""Pruning while training goes on."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras

from zoo.compression.masks import choose_masks
from zoo.compression.pruning import prune
from zoo.math.values import is_whole

_ARGUMENTS = set(inspect.signature(prune).parameters) - {"model", "ratio", "dry_run"}


def cubic_ratio(progress: float, final: float, initial: float = 0.0) -> float:
    """The ratio at a point of a cubic schedule: fast at first, while much is superfluous, and slow at the end.

        final + (initial - final) (1 - progress)^3

    Args:
        progress: 0 at the begin, 1 at the end; clipped.
        final: ratio at the end.
        initial: ratio at the begin.

    Returns:
        The ratio.

    Example:
        >>> [round(cubic_ratio(p, 0.8), 3) for p in (0.0, 0.5, 1.0, 2.0)]
        [0.0, 0.7, 0.8, 0.8]

    Source: M. Zhu, S. Gupta, To prune, or not to prune, 2017.
    """
    left = 1 - min(max(progress, 0.0), 1.0)
    return final + (initial - final) * left**3


class ScheduledPruning(keras.callbacks.Callback):
    """Prunes a little more at the begin of each epoch, along a cubic schedule.

    The ratio follows from the number of the epoch alone, and what is pruned stays pruned, so that training may be
    interrupted and go on with `initial_epoch`. The last call closes the model (`closure=True`).

    Args:
        ratio: of connections, at the end; in [0, 1).
        begin: the first epoch that prunes.
        end: the epoch from which on the ratio is reached; above `begin`.
        **arguments: those of `prune`.

    Raises:
        ValueError: a ratio outside [0, 1), epochs in the wrong order, or an argument that `prune` does not have.

    Example:
        >>> import zoo
        >>> callback = zoo.compression.ScheduledPruning(0.9, begin=2, end=10)
        >>> round(callback.ratio_at(6), 4)
        0.7875
    """

    def __init__(self, ratio: float, *, begin: int = 0, end: int, **arguments: Any) -> None:
        super().__init__()
        choose_masks({}, ratio)  # checks it
        whole = is_whole(begin) and is_whole(end)
        if not (whole and 0 <= begin < end):
            raise ValueError(f"Expected epochs, integers 0 <= begin < end; got begin={begin!r} and end={end!r}.")
        if unknown := sorted(set(arguments) - _ARGUMENTS):
            raise ValueError(f"Expected arguments of prune, {sorted(_ARGUMENTS)}; got {unknown}.")
        self.ratio, self.begin, self.end = ratio, begin, end
        self.closure = arguments.pop("closure", True)
        self.arguments = arguments

    def ratio_at(self, epoch: int) -> float:
        """The ratio during an epoch, counted from 0."""
        return 0.0 if epoch < self.begin else cubic_ratio((epoch - self.begin) / (self.end - self.begin), self.ratio)

    def on_train_begin(self, logs: Any = None) -> None:
        """Warns of a training that is over before the ratio is reached."""
        epochs = (self.params or {}).get("epochs")
        if epochs is not None and epochs <= self.end:
            warnings.warn(
                f"Training for {epochs} epochs ends at a ratio of {self.ratio_at(epochs - 1):.3g}: {self.ratio:.3g} is "
                f"reached, and the model closed, at the begin of epoch {self.end}, counted from 0. Train longer, go on "
                "with `initial_epoch`, or choose an earlier `end`.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Prunes; between epochs because on JAX a step in progress has its own copy of the weights."""
        if self.begin <= epoch <= self.end:
            prune(self.model, self.ratio_at(epoch), closure=self.closure and epoch == self.end, **self.arguments)
