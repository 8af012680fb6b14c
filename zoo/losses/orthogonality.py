"""The pull of filters towards an orthonormal set."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo.losses._common import widened
from zoo.math.values import Tensor, check_choice, check_number, check_whole

REDUCTIONS = ("mean", "sum")
SIDES = ("auto", "filters")


@keras.saving.register_keras_serializable(package="zoo")
class Orthogonality(keras.regularizers.Regularizer):
    """Squared distance of filters from an orthonormal set.

    With the F filters of a kernel as the columns of a matrix K, one row a weight of a filter (D of them):

        penalty = strength * sum((K^T K - I)^2) / n

    and for the filters of two kernels that are to be orthogonal to each other, but not each to itself (`cross`),

        penalty = strength * sum((K^T L)^2) / n.

    All in float32 or better, whatever the kernels' dtype.

    Args:
        strength: factor of the penalty.
        reduction: `"mean"`: n is `entries`, or the number of entries of the matrix where that is None; `"sum"`: n = 1.
        entries: number of entries over which several penalties of a network share one mean.
        side: more filters than weights a filter (F > D) cannot be orthonormal: then `"filters"` cannot fall below
            F - D entries of 1, while `"auto"` takes `K K^T`, which is smaller and can. Gradients are the same, and
            `"auto"` is `"filters"` where F <= D.

    Raises:
        ValueError: a negative strength, another word, or fewer than one entry.

    Example:
        >>> import numpy as np
        >>> kernel = np.eye(4, dtype="float32").reshape(2, 2, 1, 4)  # four orthonormal filters of 2x2
        >>> float(Orthogonality(10.0)(2 * kernel))  # 4 of 16 entries are 4 - 1
        22.5

    Source: Kang and Kim, Learning Shared Filter Bases, NeurIPS 2021; the mean over all stages is that of the authors'
    published code.
    """

    def __init__(
        self, strength: float = 10.0, *, reduction: str = "mean", entries: int | None = None, side: str = "auto"
    ) -> None:
        self.strength = check_number("strength", strength, least=0)
        self.reduction = check_choice("reduction", reduction, REDUCTIONS)
        self.entries = None if entries is None else check_whole("entries", entries)
        self.side = check_choice("side", side, SIDES)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty of one kernel (..., filters)."""
        matrix = _matrix(x)
        weights, filters = matrix.shape
        if self.side == "auto" and filters > weights:
            matrix = ops.transpose(matrix)
        gram = ops.matmul(ops.transpose(matrix), matrix)
        return self._reduce(gram - ops.eye(gram.shape[0], dtype=gram.dtype), filters * filters)

    def cross(self, x: Tensor, y: Tensor) -> Tensor:
        """The penalty of the inner products of the filters of two kernels, (..., filters) and (..., others)."""
        product = ops.matmul(ops.transpose(_matrix(x)), _matrix(y))
        return self._reduce(product, math.prod(product.shape))

    def _reduce(self, difference: Tensor, entries: int) -> Any:
        factor = self.strength / (self.entries or entries) if self.reduction == "mean" else self.strength
        return factor * ops.sum(ops.square(difference))

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same regularizer again."""
        return {"strength": self.strength, "reduction": self.reduction, "entries": self.entries, "side": self.side}


def _matrix(kernel: Tensor) -> Tensor:
    kernel = widened(kernel)
    return ops.reshape(kernel, (-1, kernel.shape[-1]))
