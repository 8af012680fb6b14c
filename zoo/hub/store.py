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
from typing import Any

import keras
import numpy as np
import safetensors
import safetensors.numpy

from zoo.hub import packing
from zoo.hub.cards import FileFacts

HEAD_LAYER = "head"

Tensors = dict[str, np.ndarray]


def collect(variables: Iterable[Any]) -> Tensors:
    """The values of Keras variables by path, floats as float32; a `ValueError` for values that are not finite."""
    tensors: Tensors = {}
    for variable in variables:
        if variable.path in tensors:
            raise ValueError(f"two variables have the path {variable.path!r}: give every layer a name of its own")
        value = keras.ops.convert_to_numpy(keras.ops.cast(variable.value, _stored_dtype(variable)))
        tensors[variable.path] = np.ascontiguousarray(value)
    broken = [path for path, value in tensors.items() if not np.isfinite(value).all()]
    if broken:
        raise ValueError(f"NaN or infinite values in {', '.join(broken)}: such weights are not saved")
    return tensors


def assign(variables: Iterable[Any], tensors: Mapping[str, np.ndarray], *, source: str) -> None:
    """Give every variable the tensor of its path.

    Args:
        variables: Keras variables.
        tensors: arrays by path, exactly one for each variable.
        source: where the tensors come from, for the error.

    Raises:
        ValueError: lists all missing, unexpected and mis-shaped keys; then no variable was changed.
    """
    wanted = {variable.path: variable for variable in variables}
    faults = [f"missing: {path} {tuple(wanted[path].shape)}" for path in wanted if path not in tensors]
    faults += [f"unexpected: {path} {value.shape}" for path, value in tensors.items() if path not in wanted]
    for path, variable in wanted.items():
        if path in tensors and tuple(variable.shape) != tensors[path].shape:
            faults.append(f"shape of {path}: the model has {tuple(variable.shape)}, the file {tensors[path].shape}")
    if faults:
        raise ValueError(f"the weights in {source} do not fit the model:\n  " + "\n  ".join(faults))
    for path, variable in wanted.items():
        variable.assign(tensors[path])


def split_head(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """Part the tensors into those of the body and those of the layer `head`."""
    head = {path: value for path, value in tensors.items() if path.split("/")[0] == HEAD_LAYER}
    return {path: value for path, value in tensors.items() if path not in head}, head


def facts_of(data: bytes, urls: Iterable[str] = ()) -> FileFacts:
    """Size and SHA-256 of a file's content."""
    packed = data[8:].startswith(b'{"__metadata__":') and _note(data).get("format") == packing.FORMAT
    digest = hashlib.sha256(data).hexdigest()
    return FileFacts(size=len(data), sha256=digest, urls=tuple(urls), format=packing.FORMAT if packed else None)


def read_checked(path: Path, facts: FileFacts) -> bytes:
    """The content of a file, if it is the one that `facts` describe; else a `ValueError`."""
    data = path.read_bytes()
    actual = facts_of(data)
    if (actual.size, actual.sha256) != (facts.size, facts.sha256):
        raise ValueError(
            f"{path} is damaged or altered and was not used: expected {facts.size} bytes with SHA-256 {facts.sha256}, "
            f"got {actual.size} bytes with {actual.sha256}; restore the file (or, where the card names a URL, "
            f"delete it and it is downloaded again)"
        )
    return data


def tensors_to_bytes(tensors: Tensors) -> bytes:
    """The content of a safetensors file, in which what can be is stored in fewer bytes (see `zoo.hub.packing`)."""
    stored, note = packing.pack(tensors)
    stored = {name: packing.shorten(array) for name, array in stored.items()}
    return safetensors.numpy.save(stored, metadata={"format": packing.FORMAT if note else "np"} | note)


def tensors_from_bytes(data: bytes, *, source: str) -> Tensors:
    """The tensors in a safetensors file's content, packed or not, floats as float32."""
    try:
        stored = {name: packing.lengthen(array) for name, array in safetensors.numpy.load(data).items()}
        return packing.unpack(stored, _note(data))
    except (safetensors.SafetensorError, KeyError) as error:
        raise ValueError(f"{source} is not a readable safetensors file: {error}") from error


def _note(data: bytes) -> dict[str, str]:
    """The texts beside the tensors of a safetensors file: its header is JSON, and its length stands before it."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]).get("__metadata__") or {}


def arrays_to_bytes(**arrays: np.ndarray) -> bytes:
    """The content of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def arrays_from_bytes(data: bytes) -> Tensors:
    """The arrays in an `.npz` file's content; pickled objects are refused."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, made if need be; each appears whole or not at all, in the given order."""
    folder.mkdir(parents=True, exist_ok=True)
    staged: dict[str, Path] = {}
    try:
        for name, data in files.items():
            staged[name] = folder / f".{name}.{uuid.uuid4().hex}.tmp"
            _write_through(staged[name], data)
        for name, temporary in staged.items():
            os.replace(temporary, folder / name)
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def write_new_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files; it appears whole or not at all. A `FileExistsError` if it is there already."""
    if folder.exists():
        raise FileExistsError(f"{folder} exists and published weights do not change: choose the next tag")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}.{uuid.uuid4().hex}.tmp"
    try:
        temporary.mkdir()
        for name, data in files.items():
            _write_through(temporary / name, data)
        os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _stored_dtype(variable: Any) -> str:
    dtype = keras.backend.standardize_dtype(variable.dtype)
    return "float32" if "float" in dtype else dtype
