"""Arrays to JSON of TensorFlow Serving's REST interface: `predictions` a row, or `outputs` by column."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.serving.errors import invalid
from zoo.serving.runners import Facts

_BFLOAT16 = "bfloat16"  # a type of its own in NumPy, whose items json does not know


def render(
    outputs: Mapping[str, np.ndarray], rows: int | None, *, strict: bool = False, facts: Facts | None = None
) -> bytes:
    """The body of the answer, with names only where there are several outputs.

    Args:
        outputs: by name.
        rows: how many the request had, if it came row by row; None for columns.
        strict: write `NaN` and the infinities in quotes, so that it is JSON.
        facts: of the model, if class names are asked for.

    Raises:
        RequestError: INVALID_ARGUMENT, for what cannot be answered in this form.
    """
    if rows is not None and any(np.shape(value)[:1] != (rows,) for value in outputs.values()):
        raise invalid("the outputs have no common batch axis: ask with 'inputs' instead of 'instances'")
    lists = {name: _to_json(np.asarray(value), name, strict) for name, value in outputs.items()}
    if len(lists) == 1:
        result = next(iter(lists.values()))
    elif rows is not None:
        result = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    else:
        result = lists
    answer = {"outputs" if rows is None else "predictions": result}
    if facts is not None:
        answer["labels"] = named(outputs, facts)
    return json.dumps(answer, ensure_ascii=False).encode()


def named(outputs: Mapping[str, np.ndarray], facts: Facts) -> Any:
    """The class names that the outputs say: one a row (a pixel, a node), or all that are true where several may be.

    Raises:
        RequestError: INVALID_ARGUMENT, when the model has no class names, or its outputs are not about classes.
    """
    from zoo.hub.tasks import TASKS, answers  # with Keras, which nothing else of a server needs

    if not facts.labels:
        raise invalid('the model has no class names: leave "labels" out of the parameters')
    logits = outputs.get("logits")
    if logits is None or facts.task not in TASKS or np.ndim(logits) < 2:
        raise invalid('what the model\'s outputs say of its classes is not known: leave "labels" out of the parameters')
    names = np.array(facts.labels, object)
    said = answers(facts.task, np.asarray(logits, np.float64))
    if TASKS[facts.task].several_labels:
        return _all_true(said, names)
    if max(logits.shape[-1], 2) != len(names):
        raise invalid(f"the model has {len(names)} class names for {logits.shape[-1]} logits")
    return names[said].tolist()


def _all_true(said: np.ndarray, names: np.ndarray) -> list[Any]:
    if said.ndim > 1:
        return [_all_true(part, names) for part in said]
    if len(said) != len(names):
        raise invalid(f"the model has {len(names)} class names for {len(said)} logits")
    return names[said.astype(bool)].tolist()


def _to_json(array: np.ndarray, name: str, strict: bool) -> Any:
    if array.dtype.kind in "OSU":
        flat = np.empty(array.size, object)
        flat[:] = [_string(item, name.endswith("_bytes")) for item in array.ravel()]
        return flat.reshape(array.shape).tolist()
    if array.dtype.kind == "c":
        raise invalid(f'output "{name}" is of type {array.dtype}, which JSON does not have: ask over gRPC')
    if str(array.dtype) == _BFLOAT16:
        array = array.astype(np.float32)
    if strict and array.dtype.kind == "f":
        odd = ~np.isfinite(array)
        if odd.any():
            spelled = array.astype(object)
            spelled[odd] = [_word(value) for value in array[odd]]
            return spelled.tolist()
    return array.tolist()


def _word(value: float) -> str:
    return "NaN" if np.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _string(value: Any, binary: bool) -> Any:
    """Text; base64 where the output's name says so, and for bytes that are no text."""
    content = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    if not binary:
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass
    return {"b64": base64.b64encode(content).decode()}
