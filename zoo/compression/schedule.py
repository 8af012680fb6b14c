"""Pruning while training goes on."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras

from zoo._counting import counted
from zoo._suggestions import did_you_mean
from zoo.compression.masks import choose_masks
from zoo.compression.pruning import prunable_masks, prune
from zoo.math.values import check_whole

_ARGUMENTS = set(inspect.signature(prune).parameters) - {"model", "ratio", "dry_run"}
_CHOICE = ("filters", "prune_first", "scores", "criterion")


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
    interrupted and go on with `initial_epoch`. The last call removes what leads nowhere (`closure=True`). Where
    training ends below the ratio (it stopped early, or another callback put older weights with their masks back, as
    `EarlyStopping` does with `restore_best_weights`), a warning says so and names the ratio that the model has.

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
        begin = check_whole("begin", begin, 0)
        end = check_whole("end", end, begin + 1)
        if unknown := sorted(set(arguments) - _ARGUMENTS):
            hint = did_you_mean(unknown[0], [*_ARGUMENTS, "begin", "end"])
            raise ValueError(f"Expected arguments of prune, {sorted(_ARGUMENTS)}; got {unknown}.{hint}")
        self.ratio, self.begin, self.end = ratio, begin, end
        self.closure = arguments.pop("closure", True)
        self.arguments = arguments
        self._expected = ratio

    def ratio_at(self, epoch: int) -> float:
        """The ratio during an epoch, counted from 0."""
        return 0.0 if epoch < self.begin else cubic_ratio((epoch - self.begin) / (self.end - self.begin), self.ratio)

    def on_train_begin(self, logs: Any = None) -> None:
        """Warns of a training that is over before the ratio is reached."""
        epochs: int = (self.params or {}).get("epochs", self.end + 1)
        self._expected = self.ratio_at(epochs - 1)
        if epochs <= self.end:
            warnings.warn(
                f"Training for {counted(epochs, 'epoch')} ends at a ratio of {self._expected:.3g}: {self.ratio:.3g} is "
                f"reached, and what leads nowhere removed, at the begin of epoch {self.end}, counted from 0. Train "
                "longer, go on with `initial_epoch`, or choose an earlier `end`.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Prunes; between epochs because on JAX a step in progress has its own copy of the weights."""
        if self.begin <= epoch <= self.end:
            prune(self.model, self.ratio_at(epoch), closure=self.closure and epoch == self.end, **self.arguments)

    def on_train_end(self, logs: Any = None) -> None:
        """Looks at the ratio that training ends with, after all other callbacks: some put older weights back."""
        history = getattr(self.model, "history", None)  # of this training; Keras calls it last
        if not isinstance(history, keras.callbacks.History):
            self._tell()
            return
        before = history.on_train_end

        def last(logs: Any = None) -> None:
            del history.on_train_end
            before(logs)
            self._tell()

        history.on_train_end = last

    def _tell(self) -> None:
        """Warns if the model is less pruned than what was asked for, or than what the beginning has told."""
        found, missing = self._found(self._expected)
        if missing:
            warnings.warn(
                f"Pruning ends at a ratio of {found:.3g} and not of {self.ratio:.3g}: training stopped early, older "
                "weights were put back at its end, or min_keep kept the rest. Prune again and fine-tune, or let no "
                f"callback choose among the epochs before {self.end}.",
                stacklevel=2,
            )

    def _found(self, wanted: float) -> tuple[float, bool]:
        """The ratio of the layers that are pruned, and whether connections are missing from the one that is wanted."""
        masks = prunable_masks(self.model, **{key: self.arguments[key] for key in _CHOICE if key in self.arguments})
        total = sum(mask.size for mask in masks)
        pruned = total - sum(int(mask.sum()) for mask in masks)
        rounding = len(masks) if self.arguments.get("scope") == "layer" else 1
        return pruned / max(total, 1), pruned <= wanted * total - rounding
