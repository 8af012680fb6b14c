"""Pickles of other people's data, read without running what a pickle may contain."""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo._reading import readable


class Csr:
    """Stands for scipy's `csr_matrix` while reading: takes the attributes, and needs no scipy."""

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    def dense(self) -> np.ndarray:
        """The matrix with its zeros, float32."""
        fields = self.__dict__
        shape = tuple(int(side) for side in fields["_shape"])
        indptr, columns = np.asarray(fields["indptr"]), np.asarray(fields["indices"])
        values = np.zeros(shape, np.float32)
        np.add.at(values, (np.repeat(np.arange(shape[0]), np.diff(indptr)), columns), np.asarray(fields["data"]))
        return values


def _array(subtype: type, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """NumPy's own rebuilding function, for plain arrays only."""
    if subtype is not np.ndarray:
        raise pickle.UnpicklingError(f"an array of type {subtype}")
    return np.ndarray(shape, np.dtype(dtype))


def _bytes(text: str, encoding: str) -> bytes:
    """How Python 3 writes bytes in the old protocol."""
    return text.encode(encoding)


_ADMITTED: dict[tuple[str, str], Any] = {
    **{(f"scipy.sparse{module}", "csr_matrix"): Csr for module in ("", ".csr", "._csr")},
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _array for core in ("core", "_core")},
    ("_codecs", "encode"): _bytes,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "defaultdict"): defaultdict,
    ("__builtin__", "list"): list,
    ("builtins", "list"): list,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ADMITTED:
            return _ADMITTED[module, name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of such a file")


def _check_numbers(content: bytes) -> None:
    """Refuses numbers of values beyond their count: the reader would make room for as many values, up to 32 GB."""
    for count, (code, argument, _) in enumerate(pickletools.genops(content), start=1):
        if code.name in ("PUT", "BINPUT", "LONG_BINPUT") and not 0 <= int(argument or 0) <= count:
            raise pickle.UnpicklingError(f"it numbers a value {argument} after {count} steps")


def read_pickle(content: bytes, where: object, what: str) -> Any:
    """Reads a pickle of arrays, sparse matrices, dictionaries and lists; one that names anything else is refused.

    Args:
        content: of the file.
        where: its path, for the error.
        what: it should be, for the error.

    Returns:
        The value; strings of Python 2 as text, each byte a character, and a sparse matrix as `Csr`.

    Raises:
        ValueError: a damaged file, or one that names something else.

    Example:
        >>> read_pickle(pickle.dumps({"a": [1]}), "a.pkl", "dictionary")
        {'a': [1]}
    """
    with readable(where, what):
        _check_numbers(content)
        return _Unpickler(io.BytesIO(content), encoding="latin1").load()
