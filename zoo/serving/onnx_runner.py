"""A version folder with `model.onnx`, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.serving.runners import DEFAULT_SIGNATURE, BaseRunner, Signature, TensorSpec

_DTYPES = {
    "float16": np.float16,
    "float": np.float32,
    "double": np.float64,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
    "bool": np.bool_,
    "string": object,
}


class OnnxRunner(BaseRunner):
    """Runs `<folder>/model.onnx`.

    Args:
        folder: a version folder.

    Raises:
        ImportError: ONNX Runtime is not installed.
        ValueError: the file is no model that ONNX Runtime can read.

    Example:
        >>> runner = OnnxRunner("exports/e4net_mnistrot/1")  # doctest: +SKIP
        >>> runner.run({"image": images})["probabilities"].shape  # doctest: +SKIP
        (8, 10)
    """

    engine = "onnx"

    def __init__(self, folder: str | Path) -> None:
        try:
            import onnxruntime
            from onnxruntime.capi import onnxruntime_pybind11_state as errors
        except ImportError as error:
            raise ImportError('ONNX models need ONNX Runtime: pip install "zoo[onnx]"') from error
        path = Path(folder) / "model.onnx"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors: warnings about graph details are not for the server's log
        # Threads that spin while they wait for each other are several times slower where clients use the same cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=_providers(onnxruntime))
        except Exception as error:  # ONNX Runtime raises classes of its own without a common base
            raise ValueError(f"{path} cannot be opened by ONNX Runtime: {error}") from error
        self._session, self._refusals = session, (errors.InvalidArgument, errors.InvalidGraph)
        signature = Signature(_specs(session.get_inputs()), _specs(session.get_outputs()))
        self._names = list(signature.outputs)
        super().__init__(Path(folder), {DEFAULT_SIGNATURE: signature})

    def run(self, inputs: Mapping[str, np.ndarray], signature: str = DEFAULT_SIGNATURE) -> dict[str, np.ndarray]:
        """The outputs for `inputs`; a `ValueError` when the model refuses the values."""
        if signature != DEFAULT_SIGNATURE:
            raise ValueError(f"An ONNX model has the one signature {DEFAULT_SIGNATURE!r}; got {signature!r}.")
        try:
            given = {name: _text(value) if value.dtype == object else value for name, value in inputs.items()}
            return dict(zip(self._names, map(np.asarray, self._session.run(self._names, given)), strict=True))
        except self._refusals as error:
            raise ValueError(str(error)) from error


def _text(value: np.ndarray) -> np.ndarray:
    """Strings as ONNX Runtime takes them: it would write bytes as Python prints them."""
    array = np.empty(value.shape, object)
    try:
        array.ravel()[:] = [item.decode() if isinstance(item, bytes) else str(item) for item in value.ravel()]
    except UnicodeDecodeError as error:
        raise ValueError("ONNX models take text: expected strings in UTF-8, got other bytes.") from error
    return array


def _providers(onnxruntime: Any) -> list[str]:
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return [name for name in wanted if name in onnxruntime.get_available_providers()]


def _specs(nodes: list[Any]) -> dict[str, TensorSpec]:
    specs = {}
    for node in nodes:
        kind = node.type.removeprefix("tensor(").removesuffix(")")
        if kind not in _DTYPES:
            raise ValueError(f"Tensor {node.name!r} is of type {node.type}, which cannot be served.")
        shape = None if node.shape is None else tuple(side if isinstance(side, int) else None for side in node.shape)
        specs[node.name] = TensorSpec(np.dtype(_DTYPES[kind]), shape)
    return specs
