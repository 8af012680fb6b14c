"""What looks on while batches are trained: a progress bar, and a stop when the loss is no number any more."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo._counting import short


class NaNGuard(keras.callbacks.Callback):
    """Watches one call of `fit`, which trains an epoch or a part of one.

    Keras calls it from another thread, so that nobody waits for the device; the loss is looked at a few steps late.

    Args:
        trainer: the model being fitted.
        display: what to show.
        epoch: number of the epoch, from 0.
        start: first step of the part.
        metrics: state of the metrics after the steps before; empty at the start of an epoch.
    """

    async_safe = True

    def __init__(
        self, trainer: keras.Model, display: Display, *, epoch: int, start: int, metrics: Sequence[np.ndarray] = ()
    ) -> None:
        super().__init__()
        self._trainer, self._display = trainer, display
        self._epoch, self._start, self._metrics = epoch, start, metrics
        self._faults: dict[int, float] = {}
        self._lock = threading.Lock()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Lets the metrics of a part go on where those of the part before ended; Keras has just reset them."""
        for variable, value in zip(metric_variables(self._trainer), self._metrics, strict=False):
            variable.assign(value)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stops the training after a loss that is not finite."""
        values = logs or {}
        if not math.isfinite(values.get("loss", 0.0)):
            with self._lock:
                self._faults[self._start + batch + 1] = values["loss"]
            self._trainer.stop_training = True
        self._display.step(self._start + batch + 1, values)

    def check(self) -> None:
        """Reports what went wrong, after `fit` has returned.

        Raises:
            FloatingPointError: the loss was not finite.
        """
        if self._faults:
            step = min(self._faults)
            raise FloatingPointError(
                f"The loss became {self._faults[step]} in step {step} of epoch {self._epoch + 1}; the checkpoint "
                "before it is kept. A lower learning rate or global_clipnorm may help."
            )


class Reseed(keras.callbacks.Callback):
    """Lets the random numbers of a step follow from seed, epoch and step alone, for torch.

    On the other backends the generators are variables of the model and part of a checkpoint. On torch dropout draws
    from one generator for the whole process, from which Keras and torch's data loader draw too.

    Args:
        seed: of the run.
        epoch: number of the epoch, from 0.
        start: first step of the part.
    """

    def __init__(self, seed: int, *, epoch: int, start: int) -> None:
        super().__init__()
        self._seed, self._epoch, self._start = seed, epoch, start

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Seeds the generator of the step."""
        import torch

        entropy = np.random.SeedSequence([self._seed, self._epoch, self._start + batch])
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))


def metric_variables(trainer: keras.Model) -> list[Any]:
    """Variables of the loss's mean and of the metrics inside the compiled ones, in a fixed order."""
    return [variable for metric in trainer.zoo_metrics for variable in metric.variables]


class Display:
    """Prints the progress of a run to the standard error stream: a bar on a terminal, and a line for each epoch.

    Args:
        epochs: how many there are.
        steps: how many an epoch has.
        shown: False prints nothing.
    """

    def __init__(self, *, epochs: int = 0, steps: int = 0, shown: bool) -> None:
        self._epochs, self._shown = epochs, shown
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        visible = shown and self._console.is_terminal
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not visible)
        self._task = self._bar.add_task("", total=steps)
        self._compiling: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Shows the bar within it."""
        with self._bar:
            yield

    def epoch(self, epoch: int, step: int) -> None:
        """Starts the bar of an epoch."""
        self._bar.reset(self._task, completed=step, description=f"epoch {epoch + 1}/{self._epochs}")

    def compiling(self) -> None:
        """Says that the first step will take longer than the others."""
        self.say("compiling the training step, once ...")
        self._compiling = time.monotonic()

    def step(self, step: int, values: dict[str, float]) -> None:
        """Moves the bar; after the first step says how long that was in compiling."""
        if self._compiling is not None:
            self.say(f"compiled in {time.monotonic() - self._compiling:.1f} s")
            self._compiling = None
        self._bar.update(self._task, completed=step)

    def row(self, row: dict[str, float], seconds: float) -> None:
        """Prints an epoch's numbers, and how long the run has taken up to here."""
        values = ", ".join(f"{name} {short(value)}" for name, value in row.items() if name != "epoch")
        self.say(f"epoch {row['epoch'] + 1}/{self._epochs}: {values}, {seconds:.1f} s")

    def say(self, text: str) -> None:
        """Prints a line."""
        if self._shown:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)
