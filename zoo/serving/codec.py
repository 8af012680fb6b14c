"""JSON of TensorFlow Serving's REST interface to arrays; `answers.py` has the way back.

A request holds either `instances`, a list with one entry a row, or `inputs`, the whole columns. Binary values are
objects `{"b64": "..."}`. Nothing is guessed: a number that its type cannot hold, a truth value among numbers and a name
that stands twice are refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.serving.checking import check_arrays, check_names, describe
from zoo.serving.errors import invalid
from zoo.serving.runners import DEFAULT_SIGNATURE, Signature, TensorSpec

Arrays = dict[str, np.ndarray]
_LARGEST_RANK = 32
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_PARAMETERS = ("labels", "strict_json")


class Body(dict[str, Any]):
    """The object in a request's body.

    Attributes:
        booleans: whether the text may hold `true` or `false`; if not, nobody needs to look for them among the numbers.
    """

    booleans = True


class _Word(float):
    """A number that the client wrote as a word; an infinite one that is none of these was written too large."""


@dataclass(frozen=True)
class Parameters:
    """What a request may ask for besides a prediction.

    Attributes:
        labels: class names beside the numbers.
        strict_json: words in quotes for numbers that JSON does not have; None follows the server's setting.
    """

    labels: bool = False
    strict_json: bool | None = None


def parse_body(body: bytes) -> Body:
    """The JSON object in a request's body."""
    try:
        value = json.loads(body, parse_constant=lambda word: _Word(_WORDS[word]), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise invalid(f"JSON Parse error: {reason}") from error
    if not isinstance(value, dict):
        raise invalid(f"JSON Parse error: expected an object; got {_kind(value)}")
    made = Body(value)
    made.booleans = b"true" in body or b"false" in body
    return made


def parameters(request: Mapping[str, Any]) -> Parameters:
    """What stands under `parameters`."""
    given = request.get("parameters", {})
    if not isinstance(given, dict):
        raise invalid(f"'parameters' key must be an object; got {_kind(given)}")
    for name, value in given.items():
        if name not in _PARAMETERS:
            raise invalid(f"unknown parameter {name!r}; there is: {', '.join(_PARAMETERS)}")
        if not isinstance(value, bool):
            raise invalid(f"parameter {name!r} must be true or false; got {_kind(value)}")
    return Parameters(**given)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise invalid(f"JSON Parse error: the name {next(n for n in names if names.count(n) > 1)!r} stands twice")
    return made


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
    booleans = getattr(request, "booleans", True)
    arrays = {name: to_array(value, signature.inputs[name], name, booleans) for name, value in columns.items()}
    check_arrays(arrays, signature, max_rows)
    return arrays, by_row


def to_array(value: Any, spec: TensorSpec, name: str, booleans: bool = True) -> np.ndarray:
    """One input as an array of the signature's type; a 400 for ragged lists and values of another type.

    Args:
        value: parsed JSON.
        spec: of the input.
        name: of the input.
        booleans: whether there may be truth values in it.
    """
    if spec.dtype == object:
        return _strings(value, name)
    if spec.dtype.kind == "c":
        raise invalid(f'input "{name}" is of type {spec.dtype}, which JSON does not have: send it over gRPC')
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise _ragged(name, spec) from error
    leaves = _leaves(value)
    if array.dtype.kind in "iuf" and booleans and spec.dtype.kind != "b" and any(type(leaf) is bool for leaf in leaves):
        raise invalid(f'input "{name}" expected numbers of type {spec.dtype}; got booleans among them')
    if array.dtype.kind in "OUf":
        array = _odd(array, value, spec, name)
    if not _numeric(array, spec.dtype):
        got = _content(array)
        if any(isinstance(leaf, dict) and "b64" in leaf for leaf in _leaves(value)):
            got = '{"b64": ...}. Encoded pictures go to a signature that takes them: "signature_name": "serving_bytes"'
        raise invalid(f'input "{name}" expected {_wanted(spec.dtype)}; got {got}')
    return _cast(array, spec, name)


def _cast(array: np.ndarray, spec: TensorSpec, name: str) -> np.ndarray:
    """The numbers in the signature's type, none of them another one for that."""
    if array.dtype == spec.dtype:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(spec.dtype)
    exact = np.array_equal(cast, array) if spec.dtype.kind in "iu" else _same_finite(cast, array)
    if not exact:
        raise _out_of_range(name, spec)
    return cast


def _odd(array: np.ndarray, value: Any, spec: TensorSpec, name: str) -> np.ndarray:
    """The same numbers where NumPy's first look was not enough: integers of more than 64 bits, words, infinities."""
    whole = spec.dtype.kind in "iu"
    if array.dtype.kind == "f":
        if whole and array.size and all(type(leaf) is int for leaf in _leaves(value)):
            return _exact(value, spec, name)  # as fractions they would be rounded
        if np.isinf(array).any() and any(type(leaf) is float and math.isinf(leaf) for leaf in _leaves(value)):
            raise _out_of_range(name, spec)
        return array
    kinds = {type(leaf) for leaf in _leaves(value)}
    if whole and kinds == {int}:
        return _exact(value, spec, name)
    if spec.dtype.kind in "iub" or not kinds <= {int, float, _Word, str}:
        return array
    if any(isinstance(leaf, str) and leaf not in _WORDS for leaf in _leaves(value)):
        return array
    return _exact(_spelled(value), spec, name, np.dtype(np.float64))


def _exact(value: Any, spec: TensorSpec, name: str, dtype: np.dtype | None = None) -> np.ndarray:
    """The array of type `dtype`, by default the signature's, where NumPy rounds and wraps nothing."""
    try:
        return np.array(value, dtype=dtype or spec.dtype)
    except OverflowError as error:
        raise _out_of_range(name, spec) from error
    except (ValueError, TypeError) as error:
        raise _ragged(name, spec) from error


def _spelled(value: Any) -> Any:
    """The same lists with numbers for the words that stand for them."""
    if isinstance(value, list):
        return [_spelled(item) for item in value]
    return _WORDS[value] if isinstance(value, str) else value


def _leaves(value: Any) -> Iterator[Any]:
    """What is in lists of lists."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(item)
        else:
            yield item


def _out_of_range(name: str, spec: TensorSpec) -> Exception:
    return invalid(f'input "{name}" has values out of range for type {spec.dtype}')


def _ragged(name: str, spec: TensorSpec) -> Exception:
    return invalid(f'input "{name}" expected a tensor of shape {describe(spec)}; got lists of unequal length')


def _numeric(array: np.ndarray, dtype: np.dtype) -> bool:
    accepted = {"b": "b", "i": "iu", "u": "iu"}.get(dtype.kind, "iuf")
    return array.dtype.kind in accepted or array.size == 0


def _same_finite(cast: np.ndarray, array: np.ndarray) -> bool:
    """Whether the cast made no infinite value out of a finite one; infinite ones came from the client."""
    finite = np.isfinite(cast)
    return bool(finite.all() or np.array_equal(finite, np.isfinite(array)))


def _wanted(dtype: np.dtype) -> str:
    return "true or false" if dtype.kind == "b" else f"numbers of type {dtype}"


def _content(array: np.ndarray) -> str:
    kinds = {
        "b": "booleans",
        "i": "numbers",
        "u": "numbers",
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


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
