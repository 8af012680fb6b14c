"""What the server knows of a model: named inputs, named outputs, and a way from the one to the other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from zoo.serving.settings import MODEL_FILES

DEFAULT_SIGNATURE = "serving_default"
BYTES_SIGNATURE = "serving_bytes"
FACTS_FILE = Path("assets.extra") / "zoo.json"
LITERT_FILE = "model.tflite"


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Attributes:
        dtype: of the arrays; `object` for strings and encoded images.
        shape: sizes, None where any size will do; None as a whole when even the number of axes is open.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...] | None

    @property
    def batched(self) -> bool:
        """Whether the first axis counts the rows of a batch."""
        return bool(self.shape) and self.shape is not None and self.shape[0] is None

    @property
    def is_open(self) -> bool:
        """Whether an axis other than the first may have any size."""
        return self.shape is None or None in self.shape[1:]


@dataclass(frozen=True)
class Signature:
    """A way to call a model: the specs of its inputs and outputs by name."""

    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]

    @property
    def batched(self) -> bool:
        """Whether several calls can be joined along the first axis and taken apart again.

        An output with an open second axis that no input has, as of similarities between rows, grows with the batch.
        """
        inputs, outputs = tuple(self.inputs.values()), tuple(self.outputs.values())
        if not inputs or not all(spec.batched for spec in (*inputs, *outputs)):
            return False
        return any(spec.is_open for spec in inputs) or not any(spec.is_open for spec in outputs)


@dataclass(frozen=True)
class Facts:
    """What the exporter wrote beside a model; empty where it wrote nothing.

    Attributes:
        name: of the model.
        task: what its logits mean.
        labels: class names in the order of the logits.
        rows_independent: whether no row of a batch was found to depend on the others; False where nobody looked.
        everything: the whole file.
    """

    name: str = ""
    task: str = ""
    labels: tuple[str, ...] = ()
    rows_independent: bool = False
    everything: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class Runner(Protocol):
    """An opened version of a model. `run` may be called from several threads at once.

    Attributes:
        engine: `"onnx"` or `"tensorflow"`.
        facts: what the exporter wrote beside the model.
        signatures: every way to call it: as a rule `"serving_default"`, and `"serving_bytes"` for image models.
    """

    engine: str
    facts: Facts
    signatures: Mapping[str, Signature]

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """The inputs of `serving_default`; none where there is no such signature."""

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """The outputs of `serving_default`; none where there is no such signature."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits; empty when unknown."""

    def run(self, inputs: Mapping[str, np.ndarray], signature: str = DEFAULT_SIGNATURE) -> dict[str, np.ndarray]:
        """The outputs for `inputs`; a `ValueError` when the model refuses the values."""


class BaseRunner:
    """The parts of a runner that do not depend on its engine."""

    engine = ""

    def __init__(self, folder: Path, signatures: Mapping[str, Signature]) -> None:
        self.facts = read_facts(folder)
        self.signatures: Mapping[str, Signature] = dict(signatures)
        self._default = self.signatures.get(DEFAULT_SIGNATURE, Signature({}, {}))

    @property
    def inputs(self) -> Mapping[str, TensorSpec]:
        """The inputs of `serving_default`; none where there is no such signature."""
        return self._default.inputs

    @property
    def outputs(self) -> Mapping[str, TensorSpec]:
        """The outputs of `serving_default`; none where there is no such signature."""
        return self._default.outputs

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits; empty when unknown."""
        return self.facts.labels


def read_facts(folder: Path) -> Facts:
    """The exporter's facts about a version folder; empty ones for a model that zoo did not export."""
    path = folder / FACTS_FILE
    if not path.is_file():
        return Facts()
    try:
        read = json.loads(path.read_text("utf-8"))
        labels = tuple(str(label) for label in read.get("labels") or ())
        independent = read.get("rows_independent") is True
        return Facts(str(read.get("name") or ""), str(read.get("task") or ""), labels, independent, read)
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error}. Export the model again.") from error


def engine_of(folder: Path, engine: str | None = None) -> str | None:
    """The engine for a version folder: `engine` if its file is there, else ONNX Runtime before TensorFlow."""
    wanted = [engine] if engine else list(MODEL_FILES)
    found = [name for name in wanted if (folder / MODEL_FILES[name]).is_file()]
    return found[0] if found else None


def open_runner(folder: str | os.PathLike[str], *, engine: str | None = None) -> Runner:
    """Opens a version folder, as `zoo.export` writes it.

    Args:
        folder: holds `model.onnx` or a SavedModel (`saved_model.pb` and what belongs to it).
        engine: `"onnx"` or `"tensorflow"`; by default what the folder holds.

    Returns:
        The opened model.

    Raises:
        ValueError: an unknown engine, or a damaged model.
        FileNotFoundError: the folder holds no model for the engine.
        ImportError: the engine is not installed.

    Example:
        >>> import pathlib, tempfile
        >>> try:
        ...     open_runner(tempfile.mkdtemp(), engine="onnx")
        ... except FileNotFoundError as error:
        ...     print("Expected model.onnx" in str(error))
        True
    """
    folder = Path(folder)
    if engine is not None and engine not in MODEL_FILES:
        raise ValueError(f"Expected an engine of {', '.join(MODEL_FILES)}; got {engine!r}.")
    chosen = engine_of(folder, engine)
    if chosen is None:
        wanted = " or ".join(MODEL_FILES[name] for name in ([engine] if engine else MODEL_FILES))
        raise FileNotFoundError(f"Expected {wanted} in {folder}; there is none. `zoo export` makes such folders.")
    if chosen == "onnx":
        from zoo.serving.onnx_runner import OnnxRunner

        return OnnxRunner(folder)
    from zoo.serving.tensorflow_runner import TensorFlowRunner

    return TensorFlowRunner(folder)
