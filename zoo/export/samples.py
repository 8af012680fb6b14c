"""Real inputs from which the ranges of an int8 file's activations are measured."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo.export.interface import Interface

_COUNT = 256
_SINGLE = "input"  # a single array, whatever the model calls its input


def write_samples(model: str, given: Any, data: str | os.PathLike[str] | None, path: Path) -> Path:
    """Store samples as an `.npz` file for the process that converts.

    Args:
        model: the model's name, which says whose training images to take.
        given: the caller's samples, an array or a dict of arrays; None for the data set's.
        data: the folder with the data sets.
        path: the new file.

    Raises:
        ValueError: no samples were given, and there is no data set to take them from.
        FileNotFoundError: the data is not there.
    """
    samples = _from_data(model, data) if given is None else given
    named = samples if isinstance(samples, Mapping) else {_SINGLE: samples}
    with path.open("xb") as file:
        np.savez(file, allow_pickle=False, **{key: _array(value) for key, value in named.items()})
    return path


def read_samples(path: Path, interface: Interface) -> dict[str, np.ndarray]:
    """The stored samples by input name, in the types of the model.

    Raises:
        ValueError: samples that do not fit the model.
    """
    with np.load(path, allow_pickle=False) as archive:
        stored = dict(archive)
    if set(stored) == {_SINGLE} and len(interface.inputs) == 1:
        stored = dict(zip(interface.inputs, stored.values(), strict=True))
    if set(stored) != set(interface.inputs):
        raise ValueError(f"expected calibration samples for the inputs {list(interface.inputs)}, got {list(stored)}")
    if len({len(values) for values in stored.values()}) != 1 or len(next(iter(stored.values()))) < 2:
        raise ValueError("expected at least two calibration samples, as many for every input")
    for name, spec in interface.inputs.items():
        values = stored[name]
        fits = values.ndim == len(spec.shape) and all(
            wanted in (None, side) for side, wanted in zip(values.shape, spec.shape, strict=True)
        )
        if not fits or not np.isfinite(values).all():
            wanted = ", ".join("any" if side is None else str(side) for side in spec.shape)
            raise ValueError(f"expected finite calibration samples of shape ({wanted}), got {values.shape}")
        stored[name] = values.astype(spec.dtype)
    return stored


def _from_data(model: str, data: str | os.PathLike[str] | None) -> Any:
    if data is None and not os.environ.get("ZOO_DATA"):
        raise ValueError(
            "int8 needs real samples to measure the activations' ranges: pass calibration=<array>, or data=<folder> "
            "(--data on the command line, or ZOO_DATA) to take them from the model's data set"
        )
    if model not in hub.list_models():
        raise ValueError(f"{model!r} is no registered model and has no data set: pass calibration=<array>")
    inputs = datasets.load(hub.find_preset(model).dataset, "train", data=data)[0]
    if isinstance(inputs, Mapping):
        return inputs
    chosen = np.random.default_rng(0).permutation(len(inputs))[:_COUNT]
    return inputs[np.sort(chosen)]


def _array(value: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
