"""The epochs of a run: train a part, measure, write down, save, and again."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from zoo.models.recipe import Recipe
from zoo.training import record
from zoo.training.batches import TrainingBatches, class_numbers
from zoo.training.checkpoints import Checkpoints, Progress
from zoo.training.events import Events
from zoo.training.optimizers import averaged, inner, value_of
from zoo.training.prefetch import Prefetch
from zoo.training.strategies import Strategy
from zoo.training.watch import Display, Reseed, Watch, metric_variables

EVALUATION_BATCH = 250

Split = tuple[Any, ...]
"""Inputs, labels and perhaps sample weights."""


@dataclass(kw_only=True)
class Epochs:
    """Trains a compiled model until its recipe is done, from its last checkpoint if there is one.

    Attributes:
        trainer: the model whose `fit` trains the variables of `model`; often `model` itself.
        model: the model whose weights are wanted.
        recipe: what to do.
        train: the training split.
        validation: the split that is measured after each epoch.
        folder: of the run.
        seed: of order and augmentation.
        devices: where it happens; the first of several processes writes.
        checkpoint_steps: save also after so many steps of an epoch; None saves at its end only.
        progress: print how it goes.
    """

    trainer: keras.Model
    model: keras.Model
    recipe: Recipe
    train: Split
    validation: Split
    folder: Path
    seed: int
    devices: Strategy = field(default_factory=Strategy)
    checkpoint_steps: int | None = None
    progress: bool = True
    done: Progress = field(init=False, default_factory=Progress)

    def __post_init__(self) -> None:
        self.steps = len(self._batches(0, None))
        self.display = Display(epochs=self.recipe.epochs, steps=self.steps, shown=self.progress)
        writes = self.devices.is_chief
        known = {id(variable) for variable in self.model.variables}
        more = [variable for variable in self.trainer.non_trainable_variables if id(variable) not in known]
        self.checkpoints = Checkpoints(
            self.folder / record.CHECKPOINTS, self.model, self.trainer.optimizer, more=more, writes=writes
        )
        self.events: Events | None = None

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
            self.display.say(f"going on after {found.epoch} epochs and {found.step} steps")
        self._write_history()
        if self.devices.is_chief:
            self.events = Events(self.folder, self.done.rows, say=self.display.say)
        with self.display.running():
            while self.done.epoch < self.recipe.epochs:
                self._part()
        return self._select()

    def _part(self) -> None:
        """Trains up to the next checkpoint."""
        started, done = time.monotonic(), self.done
        stop = min(done.step + (self.checkpoint_steps or self.steps), self.steps)
        self.display.epoch(done.epoch, done.step)
        watch = Watch(self.trainer, self.display, epoch=done.epoch, start=done.step, metrics=done.metrics)
        logs = self.trainer.fit(
            self.devices.share(self._batches(done.step, stop)),
            initial_epoch=done.epoch,
            epochs=done.epoch + 1,
            callbacks=[watch, *self._reseed()],
            shuffle=False,  # Keras would shuffle the batches of each part, by a random state that no checkpoint holds
            verbose=0,
        ).history
        watch.check()
        if stop < self.steps:
            done.step = stop
            done.metrics = [value_of(v) for v in metric_variables(self.trainer)]
        else:
            self._end_epoch({name: float(values[-1]) for name, values in logs.items()})
        done.seconds += time.monotonic() - started
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
        with averaged(self.trainer.optimizer):
            inputs, labels, *weights = self.validation
            measured = self.trainer.evaluate(
                inputs,
                class_numbers(labels),
                sample_weight=weights[0] if weights else None,
                batch_size=min(EVALUATION_BATCH, len(labels)),
                verbose=0,
                return_dict=True,
            )
            row = {"epoch": done.epoch} | logs | {f"val_{name}": float(value) for name, value in measured.items()}
            if done.best is None or row["val_accuracy"] > done.best["val_accuracy"]:
                done.best = row
                if self.recipe.selection == "best":
                    self.checkpoints.save_best()
        done.rows.append(row)
        done.epoch, done.step, done.metrics = done.epoch + 1, 0, []
        if self.events is not None:
            self.events.write(row)
        self.display.row(row)

    def _select(self) -> dict[str, float]:
        if self.events is not None:
            self.events.close()
        if self.recipe.selection == "best" and self.done.best is not None:
            self.checkpoints.restore_best()
            return self.done.best
        for variable, average in inner(self.trainer.optimizer).averages():
            variable.assign(value_of(average))
        return self.done.rows[-1]

    def _batches(self, start: int, stop: int | None) -> Prefetch:
        batches = TrainingBatches(
            *self.train,
            batch_size=self.recipe.batch_size,
            seed=self.seed,
            augment=self.recipe.augmentation,
            classes=self.model.output_shape[-1],
            epoch=self.done.epoch,
            start=start,
            stop=stop,
        )
        return Prefetch(batches)
