"""The process that writes the file: Keras on TensorFlow, whatever the caller's process runs on."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.compression import fold
from zoo.export import cases, converters
from zoo.export.interface import Interface, interface_of
from zoo.export.samples import read_samples
from zoo.export.saved_model import write_saved_model
from zoo.export.warmup import FILE as WARMUP_FILE
from zoo.export.warmup import write_warmup
from zoo.layers import LogPolarConv2D

_EXPECTED = (ValueError, OSError, ImportError)
_MESSAGE_LINES = 12


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
    samples = read_samples(Path(job["samples"]), interface) if job["samples"] else None
    made = cases.make_cases(interface, samples)
    cases.write_cases(interface, made, Path(job["cases"]))
    # The other converters write out what depends on the weights alone; for large group convolutions that takes them
    # more memory than there is, so their models are folded before; filters that layers share stay shared.
    mode = job["fold"] or ("bn" if interface.card is not None and job["format"] != "savedmodel" else None)
    mode = "auto" if mode is True else mode
    exported = replace(interface, model=fold(interface.model, mode=mode)) if mode else interface
    _as_convolutions(exported.model)
    facts = _write(exported, job, samples) | {"fold": bool(mode)}
    if job["warmup"]:
        write_warmup(job["name"], {name: value[:1] for name, value in made[0].items()}, _extra(job) / WARMUP_FILE)
    card = interface.card
    return facts | {
        "task": card.task if card else None,
        "tag": card.tag if card else None,
        "labels": list(interface.labels),
        "stored_values": sum(int(np.prod(weight.shape)) for weight in exported.model.weights),
        "versions": _versions(job["format"]),
    }


def _as_convolutions(model: keras.Model) -> None:
    """Has log-polar layers computed as one convolution: what suits the CPU here need not suit the server's device."""
    for layer in model._flatten_layers():
        if isinstance(layer, LogPolarConv2D) and layer.pooling != "max":
            layer.implementation = "dense"


def _load(job: dict[str, Any]) -> Interface:
    """The model on TensorFlow in float32, with its names."""
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
        facts = write_saved_model(interface, saved_model, with_bytes=False)
        if job["format"] == "onnx":
            signature = facts["signatures"]["serving_default"]
            converters.write_onnx(saved_model, stage / converters.ONNX_FILE, signature)
        else:
            target = stage / converters.LITERT_FILE
            converters.write_litert(saved_model, target, quantize=job["quantize"], samples=samples)
    return {"signatures": facts["signatures"]}


def _extra(job: dict[str, Any]) -> Path:
    folder = Path(job["stage"]) / "assets.extra"
    folder.mkdir(exist_ok=True)
    return folder


def _versions(format: str) -> dict[str, str]:
    import importlib.metadata

    packages = ["tensorflow", "keras"] + (["tf2onnx", "onnx"] if format == "onnx" else [])
    return {package: importlib.metadata.version(package) for package in packages}
