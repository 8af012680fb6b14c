"""Weights as bytes: safetensors keyed by `variable.path`, checked hashes, strict assignment, atomic writes.

This file knows variables, paths and hashes, and nothing of architectures.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy

from zoo._reading import readable
from zoo._writing import whole_together
from zoo.hub import packing
from zoo.hub.cards import FileFacts

if TYPE_CHECKING:
    import keras

HEAD_LAYER = "head"

Tensors = dict[str, np.ndarray]


def keyed(model: keras.Model) -> dict[str, Any]:
    """The weights of a model by their paths within it, whatever name scope it was made in.

    Raises:
        ValueError: two variables of one path.

    Example:
        >>> import keras
        >>> with keras.name_scope("mine"):
        ...     inputs = keras.Input((2,))
        ...     model = keras.Model(inputs, keras.layers.Dense(3, name="head")(inputs))
        >>> list(keyed(model))
        ['head/kernel', 'head/bias']
    """
    scopes = {id(weight): outside(layer) for layer in model.layers for weight in layer.weights}
    return _named((weight.path.removeprefix(scopes.get(id(weight), "")), weight) for weight in model.weights)


def outside(layer: keras.layers.Layer) -> str:
    """The name scopes that a model's layer was made in, the beginning of its path: "", or with a slash at the end."""
    scope, slash, _ = (layer.path or "").rpartition("/")
    return scope + slash


def collect(variables: Mapping[str, Any] | Iterable[Any]) -> Tensors:
    """The values of Keras variables by key, or by path where no keys are given; floats as float32.

    A `ValueError` for values that are not finite, and for two variables of one path.
    """
    import keras  # not at the top: reading files needs no backend

    named = _by_key(variables)
    tensors: Tensors = {}
    for key, variable in named.items():
        value = keras.ops.convert_to_numpy(keras.ops.cast(variable, _stored_dtype(variable)))
        tensors[key] = np.ascontiguousarray(value)
    broken = [path for path, value in tensors.items() if not np.isfinite(value).all()]
    if broken:
        raise ValueError(f"NaN or infinite values in {', '.join(broken)}: such weights are not saved")
    return tensors


def assign(variables: Mapping[str, Any] | Iterable[Any], tensors: Mapping[str, np.ndarray], *, source: str) -> None:
    """Give every variable the tensor of its key.

    Args:
        variables: Keras variables by key (see `keyed`), or by path where no keys are given.
        tensors: arrays by key, exactly one for each variable.
        source: where the tensors come from, for the error.

    Raises:
        ValueError: lists all missing, unexpected and mis-shaped keys; then no variable was changed.
    """
    wanted = _by_key(variables)
    faults = [f"missing: {path} {tuple(wanted[path].shape)}" for path in wanted if path not in tensors]
    faults += [f"unexpected: {path} {value.shape}" for path, value in tensors.items() if path not in wanted]
    for path, variable in wanted.items():
        if path in tensors and tuple(variable.shape) != tensors[path].shape:
            faults.append(f"shape of {path}: the model has {tuple(variable.shape)}, the file {tensors[path].shape}")
    if faults:
        raise ValueError(f"the weights in {source} do not fit the model:\n  " + "\n  ".join(faults))
    for path, variable in wanted.items():
        variable.assign(tensors[path])


def is_head(path: str) -> bool:
    """Whether a path within a model is of its layer `head`, or of something in it."""
    return path.split("/")[0] == HEAD_LAYER


def split_head(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Part the tensors into those of the body and those of the layer `head`."""
    head = {path: value for path, value in tensors.items() if is_head(path)}
    return {path: value for path, value in tensors.items() if path not in head}, head


def facts_of(data: bytes, urls: Iterable[str] = ()) -> FileFacts:
    """Size and SHA-256 of a file's content, and its format; for files of our own, whose content is trusted."""
    packed = data[8:].startswith(b'{"__metadata__":') and _note(data).get("format") == packing.FORMAT
    return FileFacts(size=len(data), sha256=digest(data), urls=tuple(urls), format=packing.FORMAT if packed else None)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def read_checked(path: Path, facts: FileFacts) -> bytes:
    """The content of a file, if it is the one that `facts` describe; else a `ValueError`."""
    data = path.read_bytes()
    actual = digest(data)  # before anything in it is parsed
    if (len(data), actual) != (facts.size, facts.sha256):
        raise ValueError(
            f"{path.resolve()} is damaged or altered and was not used: expected {facts.size} bytes with SHA-256 "
            f"{facts.sha256}, got {len(data)} bytes with {actual}; restore the file (or, if it was "
            "downloaded, delete it and it is downloaded again)"
        )
    return data


def tensors_to_bytes(tensors: Tensors, *, packed: bool = True) -> bytes:
    """The content of a safetensors file, in which what can be is stored in fewer bytes (see `zoo.hub.packing`).

    Without `packed` every tensor stands there under its own name, for other readers.
    """
    arrays, note = packing.pack(tensors) if packed else (tensors, {})
    stored, types = packing.shorten(arrays)
    return safetensors.numpy.save(stored, metadata={"format": packing.FORMAT if note else "np"} | note | types)


def tensors_from_bytes(data: bytes, *, source: str) -> Tensors:
    """The tensors in a safetensors file's content, packed or not; float16 as float32 unless the file says otherwise."""
    with readable(source, "safetensors file"):
        arrays, note = safetensors.numpy.load(data), _note(data)
        return packing.unpack(packing.lengthen(arrays, note), note)


def _note(data: bytes) -> dict[str, str]:
    """The texts beside the tensors of a safetensors file: its header is JSON, and its length stands before it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]).get("__metadata__") or {}


def arrays_to_bytes(**arrays: np.ndarray) -> bytes:
    """The content of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_from_bytes(data: bytes, *, source: object = "the content") -> Tensors:
    """The arrays in an `.npz` file's content; pickled objects and all else are a `ValueError`."""
    with readable(source, ".npz file of arrays"), np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, made if need be; each appears whole or not at all, in the given order."""
    folder.mkdir(parents=True, exist_ok=True)
    with whole_together([folder / name for name in files]) as parts:
        for part, data in zip(parts, files.values(), strict=True):
            part.write_bytes(data)


def write_new_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files; it appears whole or not at all. A `FileExistsError` if it is there already."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists and published weights do not change: choose the next tag")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.tmp"
    try:
        temporary.mkdir()
        write_files(temporary, files)
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _by_key(variables: Any) -> Mapping[str, Any]:
    return variables if isinstance(variables, Mapping) else _named((weight.path, weight) for weight in variables)


def _named(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for path, variable in pairs:
        if path in named:
            raise ValueError(f"two variables have the path {path!r}: give every layer a name of its own")
        named[path] = variable
    return named


def _stored_dtype(variable: Any) -> str:
    import keras

    dtype = keras.backend.standardize_dtype(variable.dtype)
    return "float32" if "float" in dtype else dtype
