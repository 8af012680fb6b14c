"""Inputs of a model as plain arrays: small valid ones to try it with, and their names in an `.npz` file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from zoo.hub import registry
from zoo.hub.origin import origin_of

Inputs = np.ndarray | dict[str, np.ndarray]
"""What a model takes: one array, or arrays by input name with equal leading axes."""

_IMAGES = 2
_SIDE = 32  # for sides that the configuration leaves open
_ARRAY = "input"


def example_inputs(model: keras.Model) -> Inputs:
    """A small batch that the model accepts, the same at every call.

    A family may define `example_inputs(config)` beside its `build`; without it the model takes images.

    Args:
        model: a model from `zoo.build` or `zoo.load`.

    Returns:
        uint8 images of shape `(2, height, width, channels)`, or what the family gives.

    Raises:
        ValueError: the model is not one of zoo's.

    Example:
        >>> import zoo
        >>> example_inputs(zoo.build("e4net_mnistrot")).shape
        (2, 28, 28, 1)
    """
    origin = origin_of(model)
    make = getattr(registry.find_family(origin.family), "example_inputs", None)
    if make is not None:
        return make(origin.config)
    shape = [side or _SIDE for side in origin.config.input_shape]
    return np.random.default_rng(0).integers(0, 256, (_IMAGES, *shape), dtype="uint8")


def pack_inputs(inputs: Any) -> dict[str, np.ndarray]:
    """Inputs as named arrays: `input` for a single array, `input.<name>` for each of several.

    Raises:
        ValueError: images that are not uint8, or arrays without a common leading axis.
    """
    if not isinstance(inputs, Mapping):
        images = np.asarray(inputs)
        if images.dtype != np.uint8:
            raise ValueError(f"Expected golden images of type uint8; got {images.dtype}.")
        return {_ARRAY: images}
    arrays = {f"{_ARRAY}.{name}": np.asarray(value) for name, value in inputs.items()}
    if len({value.shape[:1] for value in arrays.values()}) != 1:
        shapes = {name: value.shape for name, value in arrays.items()}
        raise ValueError(f"Expected inputs with one leading (batch) axis; got {shapes}.")
    return arrays


def unpack_inputs(arrays: Mapping[str, np.ndarray]) -> Inputs:
    """The inputs among the arrays that `pack_inputs` named."""
    if _ARRAY in arrays:
        return arrays[_ARRAY]
    prefix = f"{_ARRAY}."
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
