"""What the losses share: sums in float32 or better, and classes that exist."""

from __future__ import annotations

import numpy as np
from keras import backend, ops

from zoo.math.values import Tensor, known, wide


def widened(values: Tensor) -> Tensor:
    """The values in float32 or better, to be added up."""
    values = ops.convert_to_tensor(values)
    return ops.cast(values, wide(backend.standardize_dtype(values.dtype)))


def check_classes(classes: Tensor, count: int, what: str = "classes") -> None:
    """Refuses classes that a head does not have, where their values are at hand.

    Raises:
        ValueError: a number below 0, or of `count` or more.
    """
    values = known(classes)
    if values is None or not values.size:
        return
    wrong = np.unique(values[(values < 0) | (values >= count)])
    if wrong.size:
        raise ValueError(
            f"Expected {what} from 0 to {count - 1}, as the head has {count} outputs; got {wrong[:5].tolist()}. Number "
            "them from 0, and leave out or mask what has no class."
        )


def exist(classes: Tensor, count: int) -> Tensor:
    """Whether classes are from 0 to `count` - 1: compiled code cannot refuse the others, and gives NaN for them."""
    return ops.logical_and(classes >= 0, classes < count)
