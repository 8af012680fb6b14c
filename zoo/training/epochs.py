"""The epochs of a run: train a part, measure, write down, save, and again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo._counting import counted
from zoo.models.recipe import Recipe
from zoo.training import record
from zoo.training.callbacks import Relay, restored_by, why_stopped
from zoo.training.checkpoints import Checkpoints, Progress
from zoo.training.events import EventWriter
from zoo.training.feeding import Feed, evaluation_arguments
from zoo.training.optimizers import averaged, value_of
from zoo.training.statistics import BATCHES, BatchStatistics
from zoo.training.strategies import Strategy
from zoo.training.watch import Display, NaNGuard, Reseed, metric_variables


@dataclass(kw_only=True)
class RunTrainer:
    """Trains a compiled model until its recipe is done, from its last checkpoint if there is one.

    Attributes:
        trainer: the model whose `fit` trains the variables of `model`; often `model` itself.
        model: the model whose weights are wanted.
        recipe: what to do.
        train: the training split's batches.
        validation: the split that is measured after each epoch; None if there is none.
        folder: of the run.
        seed: of order and augmentation.
        devices: where it happens; the first of several processes writes.
        checkpoint_steps: save also after so many steps of an epoch; None saves at its end only.
        callbacks: the user's.
        progress: print how it goes.
    """

    trainer: keras.Model
    model: keras.Model
    recipe: Recipe
    train: Feed
    validation: Any
    folder: Path
    seed: int
    devices: Strategy = field(default_factory=Strategy)
    checkpoint_steps: int | None = None
    callbacks: Sequence[keras.callbacks.Callback] = ()
    progress: bool = True
    done: Progress = field(init=False, default_factory=Progress)

    def __post_init__(self) -> None:
        self.steps = self.train.steps
        self.display = Display(epochs=self.recipe.epochs, steps=self.steps, shown=self.progress)
        writes = self.devices.is_chief
        known = {id(variable) for variable in self.model.variables}
        more = [variable for variable in self.trainer.non_trainable_variables if id(variable) not in known]
        self.checkpoints = Checkpoints(
            self.folder / record.CHECKPOINTS, self.model, self.trainer.optimizer, more=more, writes=writes
        )
        together = self.devices.replicas == 1 or keras.backend.backend() == "jax"  # else layers communicate, not in XLA
        self.statistics = BatchStatistics(self.model, compiled=bool(self.trainer.jit_compile) and together)
        self.events: EventWriter | None = None
        self.relay: Relay | None = None
        if self.callbacks:
            self.relay = Relay(self.callbacks, self.trainer, epochs=self.recipe.epochs, steps=self.steps)

    def run(self) -> dict[str, float]:
        """Trains, and leaves the selected weights in the model.

        Returns:
            The row of `history.csv` that belongs to those weights.

        Raises:
            OSError: the folder cannot be written or has too little room; before the first step.
            FloatingPointError: loss or weights are not finite.
        """
        self.checkpoints.make_room()
        found = self.checkpoints.restore()
        if found is None:
            self.checkpoints.save(self.done)  # shows that it can be written before time is spent
        else:
            self.done = found
            self.display.say(f"going on after {counted(found.epoch, 'epoch')} and {counted(found.step, 'step')}")
        self._write_history()
        if self.devices.is_chief:
            self.events = EventWriter(self.folder, self.done.rows, say=self.display.say)
        self._begin(resumed=found is not None)
        with self.display.running():
            if keras.backend.backend() != "torch" and self.done.epoch < self.recipe.epochs:
                self.display.compiling()
            while self.done.epoch < self.recipe.epochs and not self.done.stopped:
                self._part()
        if self.done.stopped and self.done.epoch < self.recipe.epochs:
            ended = f"ended after {self.done.epoch} of {counted(self.recipe.epochs, 'epoch')}"
            self.display.say(f"{ended} by {why_stopped(self.callbacks)}")
        return self._end(self._select())

    def _begin(self, *, resumed: bool) -> None:
        """Tells the callbacks that the run begins, and gives them the states that they had."""
        if self.relay is None:
            if self.done.callbacks:
                raise ValueError(f"The run was begun with {len(self.done.callbacks)} callbacks: pass them again.")
            return
        self.relay.begin()
        if not resumed or (self.done.epoch, self.done.step) == (0, 0):
            return
        if self.done.step:
            self.relay.events.on_epoch_begin(self.done.epoch)
        fresh = self.relay.restore(self.done.callbacks)
        if fresh:
            self.display.say(f"callbacks without get_state and set_state begin anew: {', '.join(fresh)}")

    def _end(self, selected: dict[str, float]) -> dict[str, float]:
        """Tells the callbacks that the run has ended; where they change the weights, these are measured again."""
        if self.relay is None:
            return selected
        before = [value_of(weight) for weight in self.model.weights]
        self.relay.events.on_train_end({name: value for name, value in self.done.rows[-1].items() if name != "epoch"})
        if all(np.array_equal(old, value_of(new)) for old, new in zip(before, self.model.weights, strict=True)):
            return selected
        if self.validation is None:
            return selected
        measured = self._measure({})
        same = [row for row in self.done.rows if row.items() >= measured.items()]
        if same:
            self.display.say(f"kept: the weights of epoch {int(same[0]['epoch']) + 1}, {restored_by(self.callbacks)}")
            return same[0]
        self.display.say("a callback has changed the weights at the end: measured again")
        return selected | measured

    def _part(self) -> None:
        """Trains up to the next checkpoint."""
        started, done = time.monotonic(), self.done
        stop = min(done.step + (self.checkpoint_steps or self.steps), self.steps)
        self.display.epoch(done.epoch, done.step)
        watch = NaNGuard(self.trainer, self.display, epoch=done.epoch, start=done.step, metrics=done.metrics)
        callbacks = [watch, *self._reseed()]
        if self.relay is not None:
            self.relay.start = done.step
            callbacks.append(self.relay)
        logs = self.trainer.fit(
            self.devices.share(self.train.part(done.epoch, done.step, stop)),
            initial_epoch=done.epoch,
            epochs=done.epoch + 1,
            callbacks=callbacks,
            shuffle=False,  # Keras would shuffle the batches of each part, by a random state that no checkpoint holds
            verbose=0,
        ).history
        watch.check()
        done.stopped = self.relay is not None and self.trainer.stop_training
        if stop < self.steps and not done.stopped:
            done.step = stop
            done.metrics = [value_of(v) for v in metric_variables(self.trainer)]
        else:
            self._end_epoch({name: float(values[-1]) for name, values in logs.items()})
            self.display.row(done.rows[-1], done.seconds + time.monotonic() - started)
        done.seconds += time.monotonic() - started
        done.callbacks = [] if self.relay is None else self.relay.states()
        self.checkpoints.save(done)
        self._write_history()

    def _reseed(self) -> list[Reseed]:
        if keras.backend.backend() != "torch":
            return []
        return [Reseed(self.seed, epoch=self.done.epoch, start=self.done.step)]

    def _write_history(self) -> None:
        if self.devices.is_chief:
            record.write_history(self.folder, self.done.rows)

    def _end_epoch(self, logs: dict[str, float]) -> None:
        done = self.done
        with self._averaged():
            measured = self._measure({} if self.relay is None else {"callbacks": self.relay.events})
            row = {"epoch": done.epoch} | logs | measured
            if measured and (done.best is None or row["val_accuracy"] > done.best["val_accuracy"]):
                done.best = row
                if self.recipe.selection == "best":
                    self.checkpoints.save_selected()
            if self.relay is not None:
                self.relay.events.on_epoch_end(done.epoch, logs | measured)
                done.stopped |= self.trainer.stop_training
            if self.recipe.selection == "last" and (done.stopped or done.epoch + 1 == self.recipe.epochs):
                self.checkpoints.save_selected()
        done.rows.append(row)
        done.epoch, done.step, done.metrics = done.epoch + 1, 0, []
        if self.events is not None:
            self.events.write(row)

    def _measure(self, callbacks: dict[str, Any]) -> dict[str, float]:
        """Loss and metrics of the validation split; nothing where there is none."""
        if self.validation is None:
            return {}
        arguments = evaluation_arguments(self.validation) | callbacks
        measured = self.trainer.evaluate(**arguments, verbose=0, return_dict=True)
        return {f"val_{name}": float(value) for name, value in measured.items()}

    def _select(self) -> dict[str, float]:
        if self.events is not None:
            self.events.close()
        # On JAX a variable is one array of all processes and is assigned by all of them. On TensorFlow each process has
        # its own, and the one that saves the result does not wait for the others.
        if self.devices.is_chief or keras.backend.backend() == "jax":
            self.devices.meet()  # the file is whole before anybody reads it
            self.checkpoints.restore_selected()
        return self.done.best if self.recipe.selection == "best" and self.done.best else self.done.rows[-1]

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Within it the model holds the moving averages of its weights, with their own batch statistics, if any."""
        if self.recipe.ema is None:
            yield
            return
        kept = [(variable, value_of(variable)) for variable in self.model.non_trainable_variables]
        with averaged(self.trainer.optimizer):
            self.statistics.measure(self.train.part(self.done.epoch, 0, min(BATCHES, self.steps)))
            try:
                yield
            finally:
                for variable, value in kept:
                    variable.assign(value)
