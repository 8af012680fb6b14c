"""TensorFlow's `TensorProto` to arrays, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.serving.errors import invalid

_FIELDS = {
    "float32": "float_val",
    "float64": "double_val",
    "int8": "int_val",
    "int16": "int_val",
    "int32": "int_val",
    "uint8": "int_val",
    "uint16": "int_val",
    "int64": "int64_val",
    "uint32": "uint32_val",
    "uint64": "uint64_val",
    "bool": "bool_val",
    "object": "string_val",
    "float16": "half_val",
    "bfloat16": "half_val",
    "complex64": "scomplex_val",
    "complex128": "dcomplex_val",
}


def to_array(proto: Any, name: str, max_bytes: int) -> np.ndarray:
    """A request's tensor.

    A short message can claim any shape and have one value repeated, so the size is looked at first.

    Raises:
        RequestError: INVALID_ARGUMENT, when it is malformed or larger than `max_bytes`.
    """
    import tensorflow as tf

    shape = [side.size for side in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or any(side < 0 for side in shape):
        raise invalid(f'input "{name}" is malformed: its shape is {shape}')
    try:
        kind = tf.dtypes.as_dtype(proto.dtype)
        if math.prod(shape) * max(kind.size or 1, 1) > max_bytes:
            raise invalid(f'input "{name}" of shape {shape} is larger than {max_bytes} bytes')
        return tf.make_ndarray(proto)
    except (TypeError, ValueError, KeyError, IndexError) as error:
        raise invalid(f'input "{name}" is malformed: {error}') from error


def fill(proto: Any, array: np.ndarray) -> None:
    """Writes an output into `proto`, into the typed field (`float_val` and so on) as TensorFlow Serving does."""
    import tensorflow as tf

    array = np.asarray(array)
    field = "string_val" if array.dtype.kind in "SU" else _FIELDS.get(str(array.dtype))
    if field is None:
        raise invalid(f"an output is of type {array.dtype}, which cannot be sent")
    proto.dtype = tf.dtypes.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    array = np.ascontiguousarray(array).ravel()
    if field == "half_val":  # 16-bit floats travel as their bits
        array = array.view(np.uint16)
    elif array.dtype.kind == "c":  # as real and imaginary parts in turn
        array = array.view(array.real.dtype)
    values = array.tolist()
    if field == "string_val":
        values = [value if isinstance(value, bytes) else str(value).encode() for value in values]
    getattr(proto, field).extend(values)
