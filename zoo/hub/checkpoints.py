"""Files of weights that others wrote, read without running what may be hidden in them."""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from zoo._paths import expanded
from zoo._reading import first_line, readable
from zoo.hub import hugging_face, store

_HDF5, _ZIP = b"\x89HDF\r\n\x1a\n", b"PK\x03\x04"
_PREFIXES = ("module.", "_orig_mod.")
"""What wrappers for several devices and compilers put before every name."""
_COUNTER = "num_batches_tracked"
"""torch's batch normalization counts its batches; nothing else uses the number."""


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a file.

    Attributes:
        path: the file.
        sha256: of its content, in hexadecimal.
        tensors: arrays by name, floats as float32, without the prefix of a wrapper around the network.
        ignored: names of counters, which no network needs.
    """

    path: Path
    sha256: str
    tensors: dict[str, np.ndarray]
    ignored: tuple[str, ...] = ()


def read_checkpoint(file: str | os.PathLike[str], *, key: str | None = None) -> Checkpoint:
    """Reads a file of torch (`.pt`, `.pth`, `.pth.tar`), safetensors, NumPy (`.npz`) or Keras (`.h5`).

    What a file is its first bytes say, and not its name. Of torch's files tensors alone are read
    (`torch.load(weights_only=True)`); a file that wants to run code is refused.

    Args:
        file: the file, or one on the Hugging Face Hub, `"hf://owner/name/model.safetensors"`.
        key: which dictionary of tensors, where a file of torch holds several; `"ema.shadow"` for one inside another.

    Returns:
        Its tensors.

    Raises:
        FileNotFoundError: no such file.
        ImportError: a file of torch, and torch is not installed.
        ValueError: a file that is cut short or damaged, that wants code, or that holds no tensors or several sets.

    Example:
        >>> np.savez("weights.npz", kernel=np.ones((2, 3), "float16"))
        >>> read_checkpoint("weights.npz").tensors["kernel"].dtype.name
        'float32'
    """
    path = hugging_face.fetch_file(str(file)) if hugging_face.is_address(file) else expanded(file)
    if not path.is_file():
        raise FileNotFoundError(f"Expected a file of weights, and {path} is {'a folder' if path.is_dir() else 'none'}.")
    found = dict(_read(path, key))
    if not found:
        raise ValueError(f"{path} holds no tensors")
    found = _without_prefix(found)
    ignored = tuple(name for name in found if name.rpartition(".")[2] == _COUNTER)
    tensors = {name: _plain(name, value, path) for name, value in found.items() if name not in ignored}
    return Checkpoint(path, _digest(path), tensors, ignored)


def _read(path: Path, key: str | None) -> Mapping[str, Any]:
    with path.open("rb") as file:
        start = file.read(16)
    if start.startswith(_HDF5):
        return _from_hdf5(path)
    if start.startswith(_ZIP) and not zipfile.is_zipfile(path):
        raise ValueError(
            f"{path} is cut short or damaged: the end of the archive (.pth, .npz) is missing. Fetch it again"
        )
    if start.startswith(_ZIP) and _is_npz(path):
        return _from_npz(path)
    if start.startswith(_ZIP) or start[:1] == b"\x80":
        return _choose(_from_torch(path), path, key)
    if start[8:9] == b"{":
        return _from_safetensors(path)
    raise ValueError(
        f"{path} is no file of weights that zoo reads: expected one of torch, safetensors, NumPy (.npz) or Keras "
        "(.h5). It may be cut short, or the page of a web server that was saved in its place"
    )


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:
        return False  # torch says what is wrong
    return bool(names) and all(name.endswith(".npy") for name in names)


def _from_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        return store.arrays_from_bytes(path.read_bytes(), source=path)
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise ValueError(f"{path} holds pickled objects, which are not read: expected arrays of numbers") from None
        raise


def _from_safetensors(path: Path) -> dict[str, np.ndarray]:
    import ml_dtypes  # NumPy itself has no bfloat16

    kinds = {"BF16": ml_dtypes.bfloat16, "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
    data = path.read_bytes()
    with readable(path, "safetensors file"):
        entries = safetensors.deserialize(data)
    tensors = {}
    for name, entry in entries:
        if entry["dtype"] not in kinds:
            raise ValueError(f"{path}: {name} has the type {entry['dtype']}; expected one of {', '.join(kinds)}")
        tensors[name] = np.frombuffer(entry["data"], kinds[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def _from_torch(path: Path) -> Any:
    try:
        import torch
    except ImportError as error:
        raise ImportError(f'{path} is a file of torch: pip install "zoo[torch]" to read it') from error
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Detected pickle protocol")  # an error follows where it matters
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" not in str(error) and "GLOBAL" not in str(error):
            raise ValueError(f"{path} is cut short or damaged, as a file of torch: {first_line(error)}") from None
        raise ValueError(
            f"{path} was not read: it holds more than tensors, and reading that would run code from the file "
            f"({_blocked(error)}). If you trust its origin, open it with torch and write model.state_dict() to a new "
            "file"
        ) from None
    except Exception as error:  # torch raises a dozen kinds
        raise ValueError(f"{path} is cut short or damaged, as a file of torch: {first_line(error)}") from None


def _blocked(error: Exception) -> str:
    """What of a pickle torch refused, in its own words."""
    lines = [line.strip() for line in str(error).splitlines() if "GLOBAL" in line or "Unsupported" in line]
    return lines[0] if lines else first_line(error)


def _choose(content: Any, path: Path, key: str | None) -> Mapping[str, Any]:
    """The one dictionary of tensors in a file's content, or the one that `key` names."""
    sets = dict(_tensor_sets(content))
    if key is not None:
        if key not in sets:
            raise ValueError(f"{path} has no dictionary of tensors called {key!r}; it has {sorted(sets)}")
        return sets[key]
    if len(sets) != 1:
        what = f"several dictionaries of tensors, {sorted(sets)}: say which with key=" if sets else "no tensors by name"
        raise ValueError(f"{path} holds {what}")
    return next(iter(sets.values()))


def _tensor_sets(content: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dictionary that holds tensors by their names, itself by the names on the way to it."""
    if not isinstance(content, Mapping):
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and hasattr(value, "numel")}
    if tensors:
        yield name, tensors
        return
    for key, value in content.items():
        if isinstance(key, str) and "optim" not in key:
            yield from _tensor_sets(value, f"{name}.{key}" if name else key)


def _from_hdf5(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a Keras file by their names: those of its layers, where the file lists them, else their places."""
    import h5py

    tensors: dict[str, np.ndarray] = {}

    def collect(place: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "optimizer" not in place.split("/")[0]:
            tensors[place] = np.asarray(item)

    with readable(path, "HDF5 file"), h5py.File(path, "r") as file:
        file.get("model_weights", file).visititems(collect)
    return tensors


def _without_prefix(tensors: dict[str, Any]) -> dict[str, Any]:
    for prefix in _PREFIXES * 2:
        if all(name.startswith(prefix) for name in tensors):
            tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _plain(name: str, value: Any, path: Path) -> np.ndarray:
    """A tensor of torch or NumPy as an array; floats of any size become float32."""
    if hasattr(value, "detach"):
        value = value.detach()
        value = (value.float() if value.is_floating_point() else value).cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind in "fV" or "float" in array.dtype.name:
        array = array.astype("float32")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{path}: {name} holds {array.dtype}; expected numbers")
    return array


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
