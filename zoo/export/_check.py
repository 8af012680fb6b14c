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


def main(job_path: str, result_path: str) -> None:
    """Write the list of comparisons, or what went wrong, as JSON."""
    job = json.loads(Path(job_path).read_text("utf-8"))
    with np.load(job["cases"], allow_pickle=False) as archive:
        cases = dict(archive)
    loader = {"savedmodel": _saved_model, "onnx": _onnx, "litert": _litert}[job["format"]]
    try:
        result: dict[str, Any] = {"checks": list(_compare(loader(job["file"]), cases))}
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


def _part(arrays: Arrays, prefix: str) -> Arrays:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _differences(actual: Arrays, expected: Arrays) -> dict[str, dict[str, float]]:
    """Largest and mean difference of each output relative to the largest expected value; infinite if unfit."""
    if set(actual) != set(expected):
        raise ValueError(f"expected the outputs {sorted(expected)}, got {sorted(actual)}")
    largest, mean = {}, {}
    for name, wanted in expected.items():
        value = np.asarray(actual[name])
        fits = value.shape == wanted.shape and np.isfinite(value).all()
        scale = max(float(np.abs(wanted).max()), 1e-12)
        errors = np.abs(value - wanted) / scale if fits else np.array(np.inf)
        largest[name], mean[name] = float(errors.max()), float(errors.mean())
    return {"max_difference": largest, "mean_difference": mean}


def _saved_model(file: str) -> dict[str, Callable[[Arrays], Arrays]]:
    import tensorflow as tf

    if "zoo" in sys.modules:
        raise RuntimeError("this process must not know zoo")
    loaded = tf.saved_model.load(file)

    def runner(function: Any) -> Callable[[Arrays], Arrays]:
        def run(inputs: Arrays) -> Arrays:
            tensors = {key: tf.constant(value) for key, value in inputs.items()}
            return {key: value.numpy() for key, value in function(**tensors).items()}

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
    interpreter = Interpreter(model_path=file)
    return {"serving_default": lambda inputs: interpreter.get_signature_runner("serving_default")(**inputs)}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
