"""The process that writes the file: Keras on TensorFlow, whatever the caller's process runs on."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import _keras, hub
from zoo.compression import fold
from zoo.exporting import cases, converters
from zoo.exporting.interface import Interface, interface_of
from zoo.exporting.precision import SIXTEEN_BITS, in_float32, precision_of
from zoo.exporting.samples import read_samples
from zoo.exporting.saved_model import write_saved_model
from zoo.exporting.warmup import FILE as WARMUP_FILE
from zoo.exporting.warmup import write_warmup
from zoo.layers.protocol import offers

_EXPECTED = (ValueError, OSError, ImportError)
_MESSAGE_LINES = 12
_REFUSED = ("string", "complex64", "complex128")  # in files that are no SavedModels


def main(job_path: str, result_path: str) -> None:
    """Do the job and write its facts, or the error, as JSON."""
    try:
        result: dict[str, Any] = _run(json.loads(Path(job_path).read_text("utf-8")))
    except _EXPECTED as error:
        kind = next(known for known in _EXPECTED if isinstance(error, known))
        result = {"error": kind.__name__, "message": str(error)}
    except Exception as error:  # converters raise types of their own
        lines = [line for line in str(error).splitlines() if line.strip()][:_MESSAGE_LINES]
        result = {
            "error": "ValueError",
            "message": f"the conversion failed with {type(error).__name__}: " + "\n".join(lines),
        }
    Path(result_path).write_text(json.dumps(result), "utf-8")


def _run(job: dict[str, Any]) -> dict[str, Any]:
    interface = _load(job)
    if job["format"] != "savedmodel" and precision_of(interface.model) in SIXTEEN_BITS:
        interface = interface_of(in_float32(interface.model))  # the other runtimes lack most operations in 16 bits
    least = 2 if job["quantize"] == "int8" else 1
    samples = read_samples(Path(job["samples"]), interface, least) if job["samples"] else None
    made = cases.make_cases(interface, samples)
    cases.write_cases(interface, made, Path(job["cases"]))
    # The other converters write out what depends on the weights alone; for large group convolutions that takes them
    # more memory than there is, so their models are folded before; filters that layers share stay shared.
    mode = job["fold"] or ("bn" if interface.card is not None and job["format"] != "savedmodel" else None)
    mode = "auto" if mode is True else mode
    exported = replace(interface, model=fold(interface.model, mode=mode)) if mode else interface
    _prepare(exported.model)
    facts = _write(exported, job, samples) | {"fold": bool(mode)}
    if job["warmup"]:
        write_warmup(job["name"], made[0][0], _extra(job) / WARMUP_FILE, any_batch=interface.any_batch)
    card = interface.card
    return facts | {
        "task": card.task if card else None,
        "tag": card.tag if card else None,
        "labels": list(interface.labels),
        "precision": precision_of(interface.model),
        "stored_values": sum(int(np.prod(weight.shape)) for weight in exported.model.weights),
        "versions": _versions(job["format"]),
    }


def _refuse_types(signature: dict[str, Any], format: str) -> None:
    """Say which inputs and outputs a format has no room for."""
    tensors = {name: spec["dtype"] for part in ("inputs", "outputs") for name, spec in signature[part].items()}
    found = [f"{name!r} ({dtype})" for name, dtype in tensors.items() if dtype in _REFUSED]
    if found:
        raise ValueError(f"a file for {format} has no room for {', '.join(found)}: export with format='savedmodel'")


def _prepare(model: keras.Model) -> None:
    """Lets layers choose what suits any device."""
    for layer in _keras.sublayers(model):
        if offers(layer, "prepare_export"):
            layer.prepare_export()


def _load(job: dict[str, Any]) -> Interface:
    """The model on TensorFlow in float32, with its names."""
    if job["families"]:  # registered by the other program, from where it imports
        sys.path.extend(path for path in job["path"] if path not in sys.path)
    for name, module in job["families"].items():
        hub.register_family(name, module)
    if job["keras_file"]:
        return interface_of(keras.models.load_model(job["keras_file"], compile=False))
    model = hub.load(job["source"], dtype="float32", compile=False)
    return interface_of(model, hub.card(job["source"]))


def _write(interface: Interface, job: dict[str, Any], samples: dict[str, np.ndarray] | None) -> dict[str, Any]:
    stage = Path(job["stage"])
    if job["format"] == "savedmodel":
        return write_saved_model(interface, stage)
    with tempfile.TemporaryDirectory(prefix="zoo-export-") as scratch:
        saved_model = Path(scratch) / "model"
        signatures = write_saved_model(interface, saved_model, with_bytes=False)["signatures"]
        default = signatures["serving_default"]
        _refuse_types(default, job["format"])
        if job["format"] == "onnx":
            opset = job["opset"] or converters.OPSET
            converters.write_onnx(saved_model, stage / converters.ONNX_FILE, default, opset=opset)
            return {"signatures": signatures, "opset": opset}
        target = stage / converters.LITERT_FILE
        converters.write_litert(saved_model, target, quantize=job["quantize"], io=job["io"], samples=samples)
        if job["io"]:
            signatures["serving_default"] = converters.integer_signature(target, default)
    return {"signatures": signatures}


def _extra(job: dict[str, Any]) -> Path:
    folder = Path(job["stage"]) / "assets.extra"
    folder.mkdir(exist_ok=True)
    return folder


def _versions(format: str) -> dict[str, str]:
    import importlib.metadata

    packages = ["tensorflow", "keras"] + (["tf2onnx", "onnx"] if format == "onnx" else [])
    return {package: importlib.metadata.version(package) for package in packages}
