"""Loads an exported file in a process of its own, without zoo, and compares it with the expected outputs.

Run as a script, `python _check.py JOB.json RESULT.json`: nothing of zoo is imported, as on a machine that serves.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]
_ROWS = 4  # rows that are also run alone
_ROUNDING = 1e-5  # of the largest value: sums in another order


def main(job_path: str, result_path: str) -> None:
    """Write the list of comparisons, or what went wrong, as JSON."""
    job = json.loads(Path(job_path).read_text("utf-8"))
    with np.load(job["cases"], allow_pickle=False) as archive:
        cases = dict(archive)
    loader = {"savedmodel": _saved_model, "onnx": _onnx, "litert": _litert}[job["format"]]
    try:
        runs = loader(job["file"])
        result: dict[str, Any] = {"checks": list(_compare(runs, cases)), "rows_independent": _independent(runs, cases)}
    except Exception as error:  # whatever the runtime raises is the finding
        result = {"error": f"{type(error).__name__}: {error}"}
    Path(result_path).write_text(json.dumps(result), "utf-8")


def _compare(runs: dict[str, Callable[[Arrays], Arrays]], cases: Arrays) -> Iterator[dict[str, Any]]:
    for index in sorted({name.split(".")[0] for name in cases}):
        inputs = _part(cases, f"{index}.in.")
        expected = _part(cases, f"{index}.out.")
        files = _part(cases, f"{index}.png.")
        for signature, run in runs.items():
            given = inputs
            if signature == "serving_bytes":
                given = {"image_bytes": np.array([files[str(n)].tobytes() for n in range(len(files))], object)}
            yield {
                "signature": signature,
                "inputs": {name: list(value.shape) for name, value in given.items()},
                **_differences(run(given), expected),
            }


def _independent(runs: dict[str, Callable[[Arrays], Arrays]], cases: Arrays) -> bool:
    """Whether every row of a batch gives the same alone and among others as in the whole batch.

    Only then may a server join requests into one run. False also where it cannot be known: no case has several rows, or
    the first axis of something does not count them.
    """
    run, known = runs["serving_default"], False
    for index in sorted({name.split(".")[0] for name in cases}):
        inputs = _part(cases, f"{index}.in.")
        sizes = {value.shape[:1] for value in inputs.values()}
        if len(sizes) != 1 or sizes == {()}:
            return False
        rows = next(iter(sizes))[0]
        if rows < 2:
            continue
        known = True
        among = {name: np.concatenate([value[::-1], value[:1]]) for name, value in inputs.items()}
        try:
            whole, turned = run(inputs), run(among)
            parts = [run({name: value[row : row + 1] for name, value in inputs.items()}) for row in range(rows)[:_ROWS]]
        except Exception:  # whatever the runtime raises: it does not take such batches
            return False
        if not all(_same_rows(name, value, turned, parts) for name, value in whole.items()):
            return False
    return known


def _same_rows(name: str, whole: np.ndarray, turned: Arrays, parts: list[Arrays]) -> bool:
    """Whether an output's rows agree: in the batch, in the turned one with a row more, and alone."""
    rows = whole.shape[0] if whole.ndim else 0
    if not rows or turned[name].shape != (rows + 1, *whole.shape[1:]):
        return False
    pairs = [(turned[name], np.concatenate([whole[::-1], whole[:1]]))]
    pairs += [(part[name], whole[row : row + 1]) for row, part in enumerate(parts)]
    return all(bool((_errors(one, other) <= _ROUNDING).all()) for one, other in pairs)


def _part(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _differences(actual: Arrays, expected: Arrays) -> dict[str, dict[str, float]]:
    """Largest and mean difference of each output relative to the largest expected value; infinite if unfit."""
    if set(actual) != set(expected):
        raise ValueError(f"expected the outputs {sorted(expected)}, got {sorted(actual)}")
    largest, mean = {}, {}
    for name, wanted in expected.items():
        errors = _errors(actual[name], wanted)
        largest[name], mean[name] = float(errors.max(initial=0)), float(errors.mean()) if errors.size else 0.0
    return {"max_difference": largest, "mean_difference": mean}


def _errors(value: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Differences of numbers, relative to the largest; of integers, truth values and strings, 1 where they differ."""
    if value.shape != wanted.shape:
        return np.array(np.inf)
    if wanted.dtype.kind not in "fc":
        return (value != wanted).astype("float64")
    finite = np.isfinite(wanted)
    scale = max(float(np.abs(wanted[finite]).max(initial=0)), 1e-12)
    same = (value == wanted) | (np.isnan(value) & np.isnan(wanted))  # as minus infinity for what is left out
    with np.errstate(invalid="ignore"):
        errors = np.where(same, 0.0, np.abs(value - wanted) / scale)
    return np.where(np.isfinite(errors), errors, np.inf)


def _plain(value: Any) -> np.ndarray:
    """An output as the cases hold it: bfloat16 in float32, strings of one width."""
    array = np.asarray(value)
    if array.dtype.kind == "V":
        return array.astype("float32")
    return array.astype("S") if array.dtype.kind == "O" else array


def _saved_model(file: str) -> dict[str, Callable[[Arrays], Arrays]]:
    import tensorflow as tf

    if "zoo" in sys.modules:
        raise RuntimeError("this process must not know zoo")
    loaded = tf.saved_model.load(file)

    def runner(function: Any) -> Callable[[Arrays], Arrays]:
        types = {name: spec.dtype for name, spec in function.structured_input_signature[1].items()}

        def run(inputs: Arrays) -> Arrays:
            given = {name: tf.constant(value) for name, value in inputs.items()}
            tensors = {
                name: one if one.dtype == types[name] else tf.cast(one, types[name]) for name, one in given.items()
            }
            return {name: _plain(value.numpy()) for name, value in function(**tensors).items()}

        return run

    return {name: runner(function) for name, function in loaded.signatures.items()}


def _onnx(file: str) -> dict[str, Callable[[Arrays], Arrays]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return {"serving_default": lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))}


def _litert(file: str) -> dict[str, Callable[[Arrays], Arrays]]:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        import tensorflow

        Interpreter = tensorflow.lite.Interpreter
    function = Interpreter(model_path=file).get_signature_runner("serving_default")

    def run(inputs: Arrays) -> Arrays:
        details = function.get_input_details()
        found = function(**{name: _to_integers(value, details[name]) for name, value in inputs.items()})
        return {name: _to_numbers(value, function.get_output_details()[name]) for name, value in found.items()}

    return {"serving_default": run}


def _to_integers(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    """What stands for the values in an input of integers; for any other input the values."""
    scale, zero_point = detail["quantization"]
    if not scale or values.dtype.kind != "f":
        return values
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max).astype(detail["dtype"])


def _to_numbers(values: np.ndarray, detail: dict[str, Any]) -> np.ndarray:
    scale, zero_point = detail["quantization"]
    return (values.astype("float32") - zero_point) * np.float32(scale) if scale else values


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
