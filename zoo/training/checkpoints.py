"""Checkpoints: everything a run needs to go on as if it had never stopped, written whole or not at all."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo._writing import remove_unfinished, whole
from zoo.hub import store
from zoo.training.callbacks import pack_states, unpack_states
from zoo.training.optimizers import value_of

_KEPT = 2
_SELECTED = "best.npz"
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError)


@dataclass
class Progress:
    """How far a run has come.

    Attributes:
        epoch: complete epochs.
        step: steps of the epoch after them.
        seconds: time taken.
        rows: a row of `history.csv` for each complete epoch.
        best: the row of the highest validation accuracy, the first of several.
        metrics: state of the training metrics in the middle of an epoch, else empty.
        callbacks: state of each of the user's callbacks; None of one that has none.
        stopped: whether a callback has ended the run.
    """

    epoch: int = 0
    step: int = 0
    seconds: float = 0.0
    rows: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] | None = None
    metrics: list[np.ndarray] = field(default_factory=list)
    callbacks: list[dict[str, Any] | None] = field(default_factory=list)
    stopped: bool = False


class Checkpoints:
    """The folder with the checkpoints of a run.

    A checkpoint is an `.npz` file, named by epoch and step: weights, states of random generators, optimizer (with
    moving averages, accumulated gradients and loss scale) and `Progress`. It is written to another name, flushed to
    the disk and then renamed; the one before it stays until then, and one longer. A zip file has checksums, so that a
    damaged one is noticed, and then the one before it is used.

    Args:
        folder: where; made if need be.
        model: the model whose variables are trained.
        optimizer: its optimizer, built.
        more: variables besides, such as a counter of the model that trains it.
        writes: whether this process saves; of several processes one does, and all of them restore.
    """

    def __init__(
        self, folder: Path, model: keras.Model, optimizer: Any, *, more: Sequence[Any] = (), writes: bool = True
    ) -> None:
        self._folder, self._model, self._writes = folder, model, writes
        self._variables = [*model.trainable_variables, *model.non_trainable_variables, *optimizer.variables, *more]

    def save(self, progress: Progress) -> None:
        """Writes a checkpoint and removes all but the newest two.

        Raises:
            FloatingPointError: the state holds NaN or infinite numbers; nothing is written.
            OSError: the disk is full or cannot be written; the checkpoints before stay.
        """
        arrays = {f"variable/{index}": value_of(variable) for index, variable in enumerate(self._variables)}
        broken = [self._variables[index].path for index, value in enumerate(arrays.values()) if not _finite(value)]
        if broken:
            raise FloatingPointError(
                f"NaN or infinite numbers after step {progress.step} of epoch {progress.epoch + 1} in "
                f"{', '.join(broken[:5])}; the checkpoint before it is kept."
            )
        if not self._writes:
            return
        arrays |= {f"metric/{index}": value for index, value in enumerate(progress.metrics)}
        states, kept = pack_states(progress.callbacks)
        arrays |= kept
        facts = asdict(replace(progress, metrics=[], callbacks=[])) | {
            "metrics": len(progress.metrics),
            "callbacks": states,
        }
        name = f"epoch{progress.epoch:06d}-step{progress.step:08d}.npz"
        _write(self._folder / name, arrays | {"progress": np.array(json.dumps(facts))})
        for old in self._found()[_KEPT:]:
            old.unlink()

    def restore(self) -> Progress | None:
        """Puts the newest readable checkpoint into the variables; None where there is none."""
        for path in self._found():
            try:
                arrays = _read(path)
                facts = json.loads(str(arrays["progress"]))
                values = [arrays[f"variable/{index}"] for index in range(len(self._variables))]
                facts["metrics"] = [arrays[f"metric/{index}"] for index in range(facts["metrics"])]
                facts["callbacks"] = unpack_states(facts.get("callbacks", []), arrays)
                progress = Progress(**facts)
                fits = all(tuple(v.shape) == a.shape for v, a in zip(self._variables, values, strict=True))
            except _UNREADABLE:
                continue
            if not fits:
                continue
            for variable, value in zip(self._variables, values, strict=True):
                variable.assign(value)
            return progress
        return None

    def save_selected(self) -> None:
        """Keeps the weights as those that the run would end with by now.

        Raises:
            FloatingPointError: they hold NaN or infinite numbers; those kept before stay.
            OSError: the disk is full or cannot be written; those kept before stay.
        """
        arrays = {str(index): value_of(weight) for index, weight in enumerate(self._model.weights)}
        broken = [self._model.weights[int(index)].path for index, value in arrays.items() if not _finite(value)]
        if broken:
            raise FloatingPointError(
                f"NaN or infinite numbers after an epoch in {', '.join(broken[:5])}: such weights are not kept, "
                "and the run can go on from the checkpoint before."
            )
        if self._writes:
            _write(self._folder / _SELECTED, arrays)

    def restore_selected(self) -> None:
        """Puts the weights that were kept last into the model."""
        arrays = _read(self._folder / _SELECTED)
        for index, weight in enumerate(self._model.weights):
            weight.assign(arrays[str(index)])

    def make_room(self) -> None:
        """Removes what an interrupted write left behind, and checks that the disk has room for the whole run.

        Raises:
            OSError: the folder cannot be made, or there is too little room.
        """
        if not self._writes:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self._folder)
        state = sum(int(np.prod(v.shape)) * np.dtype(str(v.dtype)).itemsize for v in self._variables)
        weights = sum(int(np.prod(v.shape)) * 4 for v in self._model.weights)
        # The checkpoint being written and those kept; the selected weights twice, the result twice; logs.
        needed = (_KEPT + 1) * state + 4 * weights + 2**20
        present = sum(path.stat().st_size for path in self._folder.glob("*.npz"))
        free = shutil.disk_usage(self._folder).free
        if free + present < needed:
            text = f"a run needs about {needed / 1e6:.0f} MB, {free / 1e6:.0f} MB are free"
            raise OSError(errno.ENOSPC, f"No room on the disk: {text}", str(self._folder))

    def _found(self) -> list[Path]:
        return sorted(self._folder.glob("epoch*-step*.npz"), reverse=True)


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path) -> dict[str, np.ndarray]:
    return store.arrays_from_bytes(path.read_bytes(), source=path)


def _finite(value: np.ndarray) -> bool:
    return value.dtype.kind != "f" or bool(np.isfinite(value).all())
