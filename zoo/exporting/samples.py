"""Real inputs: an exported file is compared on them, and the ranges of an int8 file's activations are measured."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo._paths import expanded
from zoo._reading import readable
from zoo.exporting.interface import Interface, Spec

_COUNT = 256
_SINGLE = "input"  # a single array, whatever the model calls its input


def write_samples(model: str, given: Any, data: str | os.PathLike[str] | None, path: Path) -> Path:
    """Store samples as an `.npz` file for the process that converts.

    Args:
        model: the model's name, which says whose training images to take.
        given: the caller's samples, an array, a dict of arrays, or an `.npy` or `.npz` file of them; None for the data
            set's.
        data: the folder with the data sets.
        path: the new file.

    Raises:
        ValueError: no samples were given, and there is no data set to take them from; or they are no arrays.
        FileNotFoundError: the data is not there.
    """
    samples = _from_data(model, data) if given is None else given
    if isinstance(samples, (str, os.PathLike)):
        samples = _from_file(expanded(samples))
    named = samples if isinstance(samples, Mapping) else {_SINGLE: samples}
    with path.open("xb") as file:
        np.savez(file, allow_pickle=False, **{str(key): _array(value) for key, value in named.items()})
    return path


def read_samples(path: Path, interface: Interface, least: int = 1) -> dict[str, np.ndarray]:
    """The stored samples by input name, in the types of the model.

    Args:
        path: what `write_samples` wrote.
        interface: the model and its names.
        least: how many there must be.

    Raises:
        ValueError: samples that do not fit the model.
    """
    with np.load(path, allow_pickle=False) as archive:
        stored = dict(archive)
    if set(stored) == {_SINGLE} and len(interface.inputs) == 1:
        stored = dict(zip(interface.inputs, stored.values(), strict=True))
    if set(stored) != set(interface.inputs):
        raise ValueError(f"Expected samples for the inputs {list(interface.inputs)}; got {list(stored)}.")
    for name, spec in interface.inputs.items():
        stored[name] = _fitted(name, stored[name], spec)
    counts = {len(values) for values in stored.values()} if interface.any_batch else {least}
    if len(counts) != 1 or min(counts) < least:
        raise ValueError(f"Expected at least {least} samples, as many for every input; got {sorted(counts)}.")
    return stored


def _fitted(name: str, values: np.ndarray, spec: Spec) -> np.ndarray:
    """The samples of one input in its type."""
    fits = values.ndim == len(spec.shape) and all(
        wanted in (None, side) for side, wanted in zip(values.shape, spec.shape, strict=True)
    )
    text = values.dtype.kind in "US"
    if not fits or text != (spec.dtype == "string") or (values.dtype.kind in "fc" and not np.isfinite(values).all()):
        wanted = ", ".join("any" if side is None else str(side) for side in spec.shape)
        raise ValueError(
            f"Expected finite samples of {name!r} of shape ({wanted}) and type {spec.dtype}; got {values.shape} and "
            f"{values.dtype}"
        )
    made = values if text else values.astype(spec.dtype)
    if "int" in spec.dtype and not np.array_equal(made, values):
        raise ValueError(f"Expected samples of {name!r} that {spec.dtype} can hold; got other numbers.")
    return made


def _from_file(path: Path) -> Any:
    data = path.read_bytes()
    with readable(path, ".npy or .npz file of samples"):
        loaded = np.load(io.BytesIO(data), allow_pickle=False)
        return loaded if isinstance(loaded, np.ndarray) else dict(loaded)


def _from_data(model: str, data: str | os.PathLike[str] | None) -> Any:
    if data is None and not os.environ.get("ZOO_DATA"):
        raise ValueError(
            "int8 needs real samples to measure the activations' ranges: pass samples=<array>, or data=<folder> "
            "(--data on the command line, or ZOO_DATA) to take them from the model's data set"
        )
    if model not in hub.list_models():
        raise ValueError(f"{model!r} is no registered model and has no data set: pass samples=<array>")
    inputs = datasets.load(hub.find_preset(model).dataset, "train", data=data)[0]
    if isinstance(inputs, Mapping):
        return inputs
    chosen = np.random.default_rng(0).permutation(len(inputs))[:_COUNT]
    return inputs[np.sort(chosen)]


def _array(value: Any) -> np.ndarray:
    array = keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)
    if array.dtype.kind == "O" and all(isinstance(one, (str, bytes)) for one in array.flat):
        return array.astype("S" if all(isinstance(one, bytes) for one in array.flat) else "U")
    if array.dtype.name == "bfloat16":
        return array.astype("float32")
    if array.dtype.kind not in "biufcUS":
        raise ValueError(f"Expected samples as an array of numbers or strings; got the type {array.dtype}.")
    return array
