"""Signatures in the form of TensorFlow's `SignatureDef`, as JSON writes that message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.serving.runners import Signature, TensorSpec

METHOD = "tensorflow/serving/predict"
_TYPES = {
    "float16": "DT_HALF",
    "float32": "DT_FLOAT",
    "float64": "DT_DOUBLE",
    "bfloat16": "DT_BFLOAT16",
    "bool": "DT_BOOL",
    "object": "DT_STRING",
    **{f"{sign}int{bits}": f"DT_{sign}INT{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def signature_def(signature: Signature) -> dict[str, Any]:
    """One signature as the JSON form of a `SignatureDef`."""
    return {
        "inputs": {name: tensor_info(name, spec) for name, spec in signature.inputs.items()},
        "outputs": {name: tensor_info(name, spec) for name, spec in signature.outputs.items()},
        "method_name": METHOD,
    }


def tensor_info(name: str, spec: TensorSpec) -> dict[str, Any]:
    """One input or output as the JSON form of a `TensorInfo`."""
    sides = [{"size": str(-1 if side is None else side), "name": ""} for side in spec.shape or ()]
    shape = {"dim": sides, "unknown_rank": spec.shape is None}
    return {"dtype": _TYPES[str(spec.dtype)], "tensor_shape": shape, "name": name}


def model_metadata(model: str, version: int, signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """The answer to `/metadata`."""
    definitions = {name: signature_def(signature) for name, signature in signatures.items()}
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": definitions}},
    }
