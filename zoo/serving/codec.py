"""JSON of TensorFlow Serving's REST interface to arrays, and back.

A request holds either `instances`, a list with one entry a row, or `inputs`, the whole columns. Binary values are
objects `{"b64": "..."}`. The answer has the request's form: `predictions` a row, or `outputs` by column.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo.serving.checking import check_arrays, check_names, describe
from zoo.serving.errors import invalid
from zoo.serving.runners import DEFAULT_SIGNATURE, Signature, TensorSpec

Arrays = dict[str, np.ndarray]
_LARGEST_RANK = 32


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise invalid(f"JSON Parse error: {reason}") from error
    if not isinstance(value, dict):
        raise invalid(f"JSON Parse error: expected an object; got {_kind(value)}")
    return value


def signature_name(request: Mapping[str, Any]) -> str:
    """Which signature a request asks for."""
    name = request.get("signature_name", DEFAULT_SIGNATURE)
    if not isinstance(name, str):
        raise invalid(f"'signature_name' key must be a string value; got {_kind(name)}")
    return name or DEFAULT_SIGNATURE


def parse_inputs(request: Mapping[str, Any], signature: Signature, max_rows: int) -> tuple[Arrays, bool]:
    """The arrays of a request, checked, and whether it came row by row.

    Args:
        request: what `parse_body` returned.
        signature: that of the model.
        max_rows: largest batch that is accepted.

    Raises:
        RequestError: INVALID_ARGUMENT, with the reason.
    """
    if ("instances" in request) == ("inputs" in request):
        both = "got both" if "inputs" in request else "missing both"
        raise invalid(f"expected one of the keys 'instances' (rows) and 'inputs' (columns): {both}")
    by_row = "instances" in request
    columns = _columns(request["instances"], signature) if by_row else _named(request["inputs"], signature)
    check_names(set(columns), signature)
    arrays = {name: to_array(value, signature.inputs[name], name) for name, value in columns.items()}
    check_arrays(arrays, signature, max_rows)
    return arrays, by_row


def render(outputs: Mapping[str, np.ndarray], by_row: bool) -> bytes:
    """The body of the answer: rows or columns as the request came, names only where there are several outputs."""
    if by_row and len({value.shape[:1] for value in outputs.values()} - {()}) != 1:
        raise invalid("the outputs have no common batch axis: ask with 'inputs' instead of 'instances'")
    lists = {name: _to_json(value, name) for name, value in outputs.items()}
    if len(lists) == 1:
        result = next(iter(lists.values()))
    elif by_row:
        result = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    else:
        result = lists
    return json.dumps({"predictions" if by_row else "outputs": result}, ensure_ascii=False).encode()


def to_array(value: Any, spec: TensorSpec, name: str) -> np.ndarray:
    """One input as an array of the signature's type; a 400 for ragged lists and values of another type."""
    if spec.dtype == object:
        return _strings(value, name)
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise invalid(
            f'input "{name}" expected a tensor of shape {describe(spec)}; got lists of unequal length'
        ) from error
    if not _numeric(array, spec.dtype):
        raise invalid(f'input "{name}" expected numbers of type {spec.dtype}; got {_content(array)}')
    if array.dtype == spec.dtype:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(spec.dtype)
    exact = np.array_equal(cast, array) if spec.dtype.kind in "iu" else _same_finite(cast, array)
    if not exact:
        raise invalid(f'input "{name}" has values out of range for type {spec.dtype}')
    return cast


def _numeric(array: np.ndarray, dtype: np.dtype) -> bool:
    accepted = {"b": "b", "i": "iu", "u": "iu"}.get(dtype.kind, "iuf")
    return array.dtype.kind in accepted or array.size == 0


def _same_finite(cast: np.ndarray, array: np.ndarray) -> bool:
    """Whether the cast made no infinite value out of a finite one; infinite ones came from the client."""
    finite = np.isfinite(cast)
    return bool(finite.all() or np.array_equal(finite, np.isfinite(array)))


def _content(array: np.ndarray) -> str:
    kinds = {
        "b": "booleans",
        "U": "text",
        "S": "text",
        "f": "fractions",
        "O": "other values, or lists of unequal length",
    }
    return kinds.get(array.dtype.kind, str(array.dtype))


def _columns(instances: Any, signature: Signature) -> dict[str, Any]:
    if not isinstance(instances, list) or not instances:
        raise invalid("'instances' key must be a list with at least one entry")
    if not any(_is_named(instance) for instance in instances):
        return {_only(signature): instances}
    names = instances[0].keys() if _is_named(instances[0]) else set()
    for number, instance in enumerate(instances):
        if not _is_named(instance) or instance.keys() != names:
            raise invalid(f"instance {number} does not name the same inputs as instance 0")
    return {name: [instance[name] for instance in instances] for name in names}


def _named(inputs: Any, signature: Signature) -> dict[str, Any]:
    return inputs if _is_named(inputs) else {_only(signature): inputs}


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_binary(value)


def _is_binary(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _only(signature: Signature) -> str:
    if len(signature.inputs) != 1:
        raise invalid(f"the signature has several inputs, name them: {', '.join(sorted(signature.inputs))}")
    return next(iter(signature.inputs))


def _strings(value: Any, name: str) -> np.ndarray:
    shape: list[int] = []
    level: list[Any] = [value]
    while level and isinstance(level[0], list) and len(shape) < _LARGEST_RANK:
        size = len(level[0])
        if not all(isinstance(item, list) and len(item) == size for item in level):
            raise invalid(f'input "{name}" has lists of unequal length')
        shape.append(size)
        level = [element for item in level for element in item]
    array = np.empty(len(level), object)
    array[:] = [_bytes(item, name) for item in level]
    return array.reshape(shape)


def _bytes(value: Any, name: str) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if not _is_binary(value) or not isinstance(value["b64"], str):
        raise invalid(f'input "{name}" expected strings or {{"b64": "..."}} objects; got {_kind(value)}')
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid(f'input "{name}": unable to base64 decode: {error}') from error


def _to_json(array: np.ndarray, name: str) -> Any:
    if array.dtype.kind not in "OSU":
        return array.tolist()
    encode: Callable[[Any], Any] = _binary if name.endswith("_bytes") else _text
    flat = np.empty(array.size, object)
    flat[:] = [encode(item if isinstance(item, bytes) else str(item).encode()) for item in array.ravel()]
    return flat.reshape(array.shape).tolist()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _binary(value: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(value).decode()}


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
