"""Whether arrays fit a signature: asked of every request, before it can meet others in a batch."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.serving.errors import invalid
from zoo.serving.runners import Signature, TensorSpec


def check_names(names: set[str], signature: Signature) -> None:
    """A 400 unless the inputs are exactly those of the signature."""
    expected = set(signature.inputs)
    if names != expected:
        raise invalid(
            "input must be exactly the tensors of the signature; "
            f"expected: {', '.join(sorted(expected))}; got: {', '.join(sorted(names)) or 'none'}"
        )


def check_arrays(arrays: Mapping[str, np.ndarray], signature: Signature, max_rows: int) -> None:
    """A 400 unless types, shapes and rows are what the signature and the server accept."""
    check_names(set(arrays), signature)
    rows = set()
    for name, array in arrays.items():
        spec = signature.inputs[name]
        if array.dtype != spec.dtype:
            raise invalid(f'input "{name}" expected {_type(spec.dtype)}; got {_type(array.dtype)}')
        if not fits(array.shape, spec):
            raise invalid(f'input "{name}" expected shape {describe(spec)}; got {list(array.shape)}')
        if spec.batched:
            rows.add(len(array))
    if len(rows) > 1:
        raise invalid(f"inputs expected with the same number of rows; got {sorted(rows)}")
    if rows and not 1 <= max(rows) <= max_rows:
        raise invalid(f"expected 1 to {max_rows} rows in a request; got {max(rows)}")


def fits(shape: tuple[int, ...], spec: TensorSpec) -> bool:
    """Whether an array of this shape may be given for `spec`."""
    if spec.shape is None:
        return True
    return len(shape) == len(spec.shape) and all(
        side in (None, size) for side, size in zip(spec.shape, shape, strict=True)
    )


def describe(spec: TensorSpec) -> str:
    """A shape as TensorFlow Serving writes it: -1 where any size will do."""
    return "of any rank" if spec.shape is None else str([-1 if side is None else side for side in spec.shape])


def _type(dtype: np.dtype) -> str:
    return "string" if dtype.kind == "O" else str(dtype)
