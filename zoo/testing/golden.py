"""Comparison with golden tensors: numbers that a reference implementation computed once."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np


@dataclass(frozen=True)
class Golden(Mapping[str, np.ndarray]):
    """The arrays of one golden file by name, and what they were made with.

    Attributes:
        path: the file, for messages.
        config: the settings of the reference implementation.
        arrays: name to array; `golden[name]` reads from here.

    Example:
        >>> golden = Golden("made_up.npz", {"kernel_size": 3}, {"weights/kernel": np.ones((3, 3))})
        >>> golden["weights/kernel"].shape, list(golden.group("weights"))
        ((3, 3), ['kernel'])
    """

    path: str
    config: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        """Returns the array of that name; a `KeyError` lists the names there are."""
        if name not in self.arrays:
            raise KeyError(f"{self.path} holds no {name!r}; it holds {', '.join(sorted(self.arrays))}.")
        return self.arrays[name]

    def __iter__(self) -> Iterator[str]:
        """Iterates over the names."""
        return iter(self.arrays)

    def __len__(self) -> int:
        """Returns the number of arrays."""
        return len(self.arrays)

    def group(self, prefix: str) -> dict[str, np.ndarray]:
        """Returns the arrays under `prefix/`, by the rest of their names."""
        start = f"{prefix}/"
        return {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}


def load_golden(path: str | os.PathLike[str]) -> Golden:
    """Reads an `.npz` file of golden tensors.

    Args:
        path: a file whose optional entry `config` is a JSON object; all other entries are arrays. Pickles are refused.

    Returns:
        The arrays by name, with the settings in `config`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: an entry is a pickle, or `config` is no JSON.

    Example:
        >>> np.savez("pooling.npz", config='{"mode": "max"}', output=np.zeros((2, 5)))
        >>> golden = load_golden("pooling.npz")
        >>> golden.config["mode"], golden["output"].shape
        ('max', (2, 5))
    """
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    config = json.loads(str(arrays.pop("config"))) if "config" in arrays else {}
    return Golden(os.fspath(path), config, arrays)


def assert_close(actual: Any, expected: Any, rel: float = 1e-5, *, name: str = "value") -> None:
    """Asserts that two tensors agree, relative to the largest magnitude that is expected.

    The bound is `max|actual - expected| <= rel * max|expected|`. A bound for each element would be the wrong question:
    where a sum cancels to nearly 0, float32 has no correct digits left. When everything expected is 0, the bound is
    `rel` itself.

    Args:
        actual: tensor of any backend, or array.
        expected: tensor or array of the same shape.
        rel: the bound.
        name: what is compared, for the message.

    Raises:
        AssertionError: shapes differ, a value is not finite, or the bound is broken. The message has the largest
            difference, where it is, and both values there.

    Example:
        >>> assert_close(keras.ops.ones(3) / 3, np.full(3, 1 / 3), rel=1e-6, name="third")
    """
    got, want = _as_float64(actual), _as_float64(expected)
    if got.shape != want.shape:
        raise AssertionError(f"{name}: expected shape {want.shape}, got {got.shape}.")
    if not want.size:
        return
    for label, array in (("expected", want), ("actual", got)):
        if not np.isfinite(array).all():
            raise AssertionError(f"{name}: {np.count_nonzero(~np.isfinite(array))} {label} values are not finite.")
    difference = np.abs(got - want)
    scale = float(np.abs(want).max()) or 1.0
    bound = rel * scale
    if difference.max() <= bound:
        return
    worst = tuple(int(index) for index in np.unravel_index(difference.argmax(), difference.shape))
    raise AssertionError(
        f"{name}: differs by {difference.max() / scale:.3g} of max|expected| = {scale:.6g}; allowed is {rel:.3g}. "
        f"Worst at {worst}: expected {want[worst]:.9g}, got {got[worst]:.9g}. "
        f"{np.count_nonzero(difference > bound)} of {difference.size} values are out of bounds."
    )


def _as_float64(value: Any) -> np.ndarray:
    array = value if isinstance(value, np.ndarray) else keras.ops.convert_to_numpy(value)
    return np.asarray(array, dtype=np.float64)
