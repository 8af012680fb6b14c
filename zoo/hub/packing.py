"""Smaller files that load back exactly: tensors that are mostly zero, and values that need 16 bits only.

A tensor (..., m, n) is cut into the m n blocks of its last two axes, the connections of a convolution. The pattern says
which blocks are not zero, a bit each, row by row, the lowest bit of a byte first; the kept blocks follow in the same
order. Tensors with equal patterns share one. Arrays of float32 whose values all are float16 numbers, such as kernels
that were rounded before they were published, are stored as float16; those that are of 16 bits by themselves stay so.
This file knows arrays and nothing of architectures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np

Tensors = dict[str, np.ndarray]

FORMAT = "packed"
_PATTERN, _KEPT = "#pattern/", "#kept/"
_WORTHWHILE = 0.9
"""A tensor is packed if that takes less than this share of its bytes."""
_LARGEST = 2**30
"""Values of one packed tensor: a few bytes could stand for more than there is memory."""


def pack(tensors: Mapping[str, np.ndarray]) -> tuple[Tensors, dict[str, str]]:
    """Tensors in packed form.

    Args:
        tensors: arrays by name.

    Returns:
        Arrays to store, and the text that `unpack` needs beside them; equal to the arguments, and empty, where packing
        saves nothing.
    """
    stored: Tensors = {}
    layouts: dict[str, dict[str, object]] = {}
    patterns: dict[bytes, int] = {}
    for name, tensor in ((name, np.asarray(tensor)) for name, tensor in tensors.items()):
        packed = _pack_one(tensor)
        if packed is None:
            stored[name] = tensor
            continue
        bits, kept = packed
        number = patterns.setdefault(bits.tobytes() + repr(tensor.shape[-2:]).encode(), len(patterns))
        stored[f"{_PATTERN}{number}"] = bits
        layouts[name] = {"shape": tensor.shape, "dtype": tensor.dtype.name, "pattern": number}
        if _is_constant(kept):
            layouts[name]["value"] = kept.flat[0].item() if kept.size else 0
        else:
            stored[f"{_KEPT}{name}"] = kept
    return stored, {"packed": json.dumps(layouts, separators=(",", ":"))} if layouts else {}


def unpack(stored: Mapping[str, np.ndarray], note: Mapping[str, str]) -> Tensors:
    """The tensors that `pack` was given, bit for bit.

    Raises:
        ValueError: what is stored does not fit its note.
    """
    if "packed" not in note:
        return dict(stored)
    layouts = json.loads(note["packed"])
    tensors = {name: array for name, array in stored.items() if not name.startswith((_PATTERN, _KEPT))}
    for name, layout in layouts.items():
        shape, dtype = tuple(layout["shape"]), _dtype(layout["dtype"])
        if min(shape) < 1 or math.prod(shape) > _LARGEST:
            raise ValueError(f"the packed tensor {name} has the shape {shape}")
        bits = np.unpackbits(stored[f"{_PATTERN}{layout['pattern']}"], bitorder="little")[: shape[-2] * shape[-1]]
        keep = bits.astype(bool).reshape(shape[-2:])
        blocks = np.zeros((*shape[-2:], *shape[:-2]), dtype)
        kept = stored.get(f"{_KEPT}{name}")
        if kept is not None and len(kept) != keep.sum():
            raise ValueError(f"the packed tensor {name} has {len(kept)} blocks, its pattern {int(keep.sum())}")
        blocks[keep] = layout["value"] if kept is None else kept
        tensors[name] = np.ascontiguousarray(np.moveaxis(blocks, (0, 1), (-2, -1)))
    return tensors


def shorten(stored: Mapping[str, np.ndarray]) -> tuple[Tensors, dict[str, str]]:
    """Arrays as a safetensors file takes them: float32 as float16 where that is exact, types that it lacks as bits.

    Returns:
        The arrays, and the text that `lengthen` needs beside them where some are of 16 bits by themselves.
    """
    kinds = {name: array.dtype.name for name, array in stored.items() if _is_narrow(array.dtype)}
    arrays = {name: _shortened(np.ascontiguousarray(array).reshape(array.shape)) for name, array in stored.items()}
    return arrays, {"types": json.dumps(kinds, separators=(",", ":"))} if kinds else {}


def lengthen(arrays: Mapping[str, np.ndarray], note: Mapping[str, str]) -> Tensors:
    """The arrays that `shorten` was given, bit for bit."""
    kinds = json.loads(note.get("types", "{}"))
    return {
        name: array.view(_dtype(kinds[name])) if name in kinds else _lengthened(array) for name, array in arrays.items()
    }


def _is_narrow(dtype: np.dtype) -> bool:
    """Whether it is a type of floats of 16 bits or less; NumPy itself has but one."""
    return dtype == np.float16 or dtype.kind == "V"


def _dtype(name: str) -> np.dtype:
    import ml_dtypes  # Keras needs it, too; it makes bfloat16 known to NumPy

    return np.dtype(getattr(ml_dtypes, name, name))


def _shortened(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "V":
        return array.view(f"uint{8 * array.itemsize}")
    if array.dtype != np.float32:
        return array
    with np.errstate(over="ignore"):
        half = array.astype("float16")
    return half if np.array_equal(half.astype("float32").view("uint32"), array.view("uint32")) else array


def _lengthened(array: np.ndarray) -> np.ndarray:
    return array.astype("float32") if array.dtype == np.float16 else array


def _pack_one(tensor: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Pattern and kept blocks, or None where that is not worth it."""
    if tensor.ndim < 2 or tensor.size == 0:
        return None
    blocks = np.moveaxis(tensor, (-2, -1), (0, 1))
    # Bits, not values: -0.0 is not what a missing block comes back as.
    keep = (np.ascontiguousarray(blocks).view(np.uint8) != 0).reshape(*blocks.shape[:2], -1).any(axis=-1)
    kept = np.ascontiguousarray(blocks[keep])
    size = keep.size / 8 + (0 if _is_constant(kept) else kept.nbytes)
    if size >= _WORTHWHILE * tensor.nbytes:
        return None
    return np.packbits(keep.reshape(-1), bitorder="little"), kept


def _is_constant(kept: np.ndarray) -> bool:
    return not kept.size or bool((kept == kept.flat[0]).all() and kept.flat[0] != 0)
