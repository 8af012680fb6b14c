"""Runs a SavedModel through TensorFlow's C API: ctypes and NumPy, and no Python package of TensorFlow's.

    python saved_model_c_api.py SAVED_MODEL INPUTS.npz OUTPUTS.npz

The outputs file gets the outputs of `serving_default`. This is how servers written in C++ or Go load a model.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Iterator
from ctypes import POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import numpy as np

TYPES = {np.dtype("float32"): 1, np.dtype("int32"): 3}  # TF_FLOAT, TF_INT32
Signature = tuple[dict[str, str], dict[str, str]]


class Buffer(Structure):
    _fields_ = [("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p)]


class Output(Structure):
    _fields_ = [("operation", c_void_p), ("index", c_int)]


def open_library() -> ctypes.CDLL:
    """TensorFlow's native library, found without importing anything of TensorFlow's."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    (framework,) = folder.glob("libtensorflow_framework.so.?")
    (library,) = folder.glob("libtensorflow_cc.so.?")
    ctypes.CDLL(str(framework), ctypes.RTLD_GLOBAL)
    tf = ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    for name in (
        "TF_NewStatus",
        "TF_NewGraph",
        "TF_NewSessionOptions",
        "TF_LoadSessionFromSavedModel",
        "TF_TensorData",
    ):
        getattr(tf, name).restype = c_void_p
    for name in ("TF_NewBuffer", "TF_NewTensor", "TF_GraphOperationByName"):
        getattr(tf, name).restype = POINTER(Buffer) if name == "TF_NewBuffer" else c_void_p
    tf.TF_Message.restype = c_char_p
    tf.TF_Dim.restype = c_int64
    return tf


class Model:
    """A SavedModel in a session of the C API."""

    def __init__(self, folder: str) -> None:
        self.tf = tf = open_library()
        self.status, self.graph = c_void_p(tf.TF_NewStatus()), c_void_p(tf.TF_NewGraph())
        options, meta = c_void_p(tf.TF_NewSessionOptions()), tf.TF_NewBuffer()
        tags = (c_char_p * 1)(b"serve")
        session = tf.TF_LoadSessionFromSavedModel(
            options, None, folder.encode(), tags, 1, self.graph, meta, self.status
        )
        self.check()
        self.session = c_void_p(session)
        meta_graph = ctypes.string_at(meta.contents.data, meta.contents.length)
        self.inputs, self.outputs = read_signature(meta_graph, "serving_default")

    def check(self) -> None:
        if self.tf.TF_GetCode(self.status):
            raise RuntimeError(self.tf.TF_Message(self.status).decode())

    def place(self, tensor: str) -> Output:
        name, _, index = tensor.partition(":")
        operation = self.tf.TF_GraphOperationByName(self.graph, name.encode())
        assert operation, tensor
        return Output(operation, int(index))

    def tensor(self, array: np.ndarray) -> c_void_p:
        """A tensor on the array's own memory, which the caller keeps alive."""
        shape = (c_int64 * array.ndim)(*array.shape)
        keep = ctypes.CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)(lambda *_: None)
        self.kept = [*getattr(self, "kept", []), keep, array]
        arguments = (shape, array.ndim, c_void_p(array.ctypes.data), c_size_t(array.nbytes), keep, None)
        return c_void_p(self.tf.TF_NewTensor(TYPES[array.dtype], *arguments))

    def array(self, tensor: c_void_p) -> np.ndarray:
        shape = tuple(self.tf.TF_Dim(tensor, axis) for axis in range(self.tf.TF_NumDims(tensor)))
        data = ctypes.string_at(self.tf.TF_TensorData(tensor), 4 * int(np.prod(shape)))
        assert self.tf.TF_TensorType(tensor) == 1
        return np.frombuffer(data, "float32").reshape(shape)

    def run(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        arrays = {name: np.ascontiguousarray(value) for name, value in arrays.items()}
        feeds = (Output * len(arrays))(*(self.place(self.inputs[name]) for name in arrays))
        values = (c_void_p * len(arrays))(*(self.tensor(value) for value in arrays.values()))
        count = len(self.outputs)
        fetches = (Output * count)(*(self.place(name) for name in self.outputs.values()))
        results = (c_void_p * count)()
        self.tf.TF_SessionRun(
            self.session, None, feeds, values, len(arrays), fetches, results, count, None, 0, None, self.status
        )
        self.check()
        found = (self.array(c_void_p(result)) for result in results)
        return dict(zip(self.outputs, found, strict=True))


def read_signature(meta_graph: bytes, wanted: str) -> Signature:
    """Tensor names of a signature's inputs and outputs in a serialized `MetaGraphDef` (signature_def is field 5)."""
    for entry in (dict_of(value) for number, value in fields(meta_graph) if number == 5):
        if entry[1] == wanted.encode():
            ends: Signature = ({}, {})
            for number, value in fields(entry[2]):
                if number in (1, 2):  # SignatureDef.inputs and outputs: maps from a name to a TensorInfo
                    item = dict_of(value)
                    ends[number - 1][item[1].decode()] = dict_of(item[2])[1].decode()
            return ends
    raise KeyError(wanted)


def dict_of(message: bytes) -> dict[int, bytes]:
    return dict(fields(message))


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The length-delimited fields of a protocol buffer; numbers are passed over."""
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        kind = tag & 7
        if kind == 0:
            _, place = varint(message, place)
            continue
        size = {1: 8, 5: 4}.get(kind)
        if size is None:
            size, place = varint(message, place)
            yield tag >> 3, message[place : place + size]
        place += size


def varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place


if __name__ == "__main__":
    with np.load(sys.argv[2]) as archive:
        given = dict(archive)
    np.savez(sys.argv[3], **Model(sys.argv[1]).run(given))
    imported = {name.split(".")[0] for name in sys.modules}
    assert not imported & {"tensorflow", "keras", "zoo", "jax", "torch"}, imported
