"""A version folder with a SavedModel, run by TensorFlow whatever backend Keras is set to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.serving.runners import DEFAULT_SIGNATURE, BaseRunner, Signature, TensorSpec


class TensorFlowRunner(BaseRunner):
    """Runs the SavedModel in `folder`.

    Args:
        folder: a version folder.

    Raises:
        ImportError: TensorFlow is not installed.
        ValueError: the folder is no SavedModel that TensorFlow can read, or one without signatures.

    Example:
        >>> runner = TensorFlowRunner("exports/e4net_mnistrot/1")  # doctest: +SKIP
        >>> runner.run({"image": images})["probabilities"].shape  # doctest: +SKIP
        (8, 10)
    """

    engine = "tensorflow"

    def __init__(self, folder: str | Path) -> None:
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError("SavedModels need TensorFlow: pip install tensorflow") from error
        try:
            self._model = tf.saved_model.load(str(folder), tags=["serve"])
        except Exception as error:  # from OSError over tf.errors to plain RuntimeError, by what is missing
            raise ValueError(f"{folder} cannot be opened by TensorFlow: {error}") from error
        self._functions = dict(self._model.signatures)
        if not self._functions:
            raise ValueError(f"The SavedModel in {folder} has no signatures: save it with signatures={{...}}.")
        self._constant, self._string = tf.constant, tf.string
        self._refusals = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError, tf.errors.UnimplementedError)
        super().__init__(Path(folder), {name: _signature(function) for name, function in self._functions.items()})

    def run(self, inputs: Mapping[str, np.ndarray], signature: str = DEFAULT_SIGNATURE) -> dict[str, np.ndarray]:
        """The outputs for `inputs`; a `ValueError` when the model refuses the values."""
        tensors = {
            name: self._constant(value, self._string if value.dtype == object else None)
            for name, value in inputs.items()
        }
        try:
            outputs = self._functions[signature](**tensors)
        except self._refusals as error:
            raise ValueError(error.message) from error
        return {name: tensor.numpy() for name, tensor in outputs.items()}


def _signature(function: Any) -> Signature:
    inputs = {name: _spec(name, spec) for name, spec in function.structured_input_signature[1].items()}
    return Signature(inputs, {name: _spec(name, spec) for name, spec in function.structured_outputs.items()})


def _spec(name: str, spec: Any) -> TensorSpec:
    dtype = getattr(spec, "dtype", None)
    if dtype is None or not hasattr(spec, "shape") or dtype.name in ("resource", "variant"):
        raise ValueError(f"The tensor {name!r} is a {spec}, which cannot be served.")
    shape = None if spec.shape.rank is None else tuple(spec.shape.as_list())
    return TensorSpec(np.dtype(spec.dtype.as_numpy_dtype), shape)
