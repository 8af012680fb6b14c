"""Signatures in the form of TensorFlow's `SignatureDef`, as JSON writes that message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "complex64": "DT_COMPLEX64",
    "complex128": "DT_COMPLEX128",
    **{f"{sign}int{bits}": f"DT_{sign}INT{bits}".upper() for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def check_types(signatures: Mapping[str, Signature]) -> None:
    """A `ValueError` for a signature with a type that neither interface has."""
    for signature in signatures.values():
        for name, spec in (*signature.inputs.items(), *signature.outputs.items()):
            if str(spec.dtype) not in _TYPES:
                raise ValueError(
                    f"The tensor {name!r} is of type {spec.dtype}, which cannot be served; served are: "
                    f"{', '.join(kind.replace('object', 'string') for kind in _TYPES)}."
                )


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


def model_metadata(
    model: str, version: int, signatures: Mapping[str, Signature], labels: Sequence[str] = ()
) -> dict[str, Any]:
    """The answer to `/metadata`; class names only where the model has some."""
    definitions = {name: signature_def(signature) for name, signature in signatures.items()}
    return {
        "model_spec": {"name": model, "signature_name": "", "version": str(version)},
        "metadata": {"signature_def": {"signature_def": definitions}} | ({"labels": list(labels)} if labels else {}),
    }
