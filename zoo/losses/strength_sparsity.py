"""The penalty that drives connections of a network to zero, and its proximal step."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from zoo.losses._common import widened
from zoo.math.values import Tensor, check_number

_TINY = 1e-24  # under the square root: its slope at 0 is infinite


@keras.saving.register_keras_serializable(package="zoo")
class StrengthSparsity(keras.regularizers.Regularizer):
    """Penalty on the strengths `s` (Cin, Cout) of a layer's connections.

        l1 * sum_{j,i} |s[j,i]|  +  group * sum_j ||s[j,:]||_2

    The first term makes single connections vanish. The second one makes all connections of an input channel vanish
    together, for networks that are to be cut down to smaller dense ones.

    Args:
        l1: weight of the first term, not negative.
        group: weight of the second term, not negative.

    Raises:
        ValueError: a negative weight.

    Example:
        >>> import numpy as np
        >>> penalty = StrengthSparsity(l1=0.1, group=1.0)
        >>> round(float(penalty(np.array([[3.0, -4.0], [0.0, 0.0]], "float32"))), 4)  # 0.1 * 7 + 5
        5.7

    Source: C. Lin et al., Synaptic Strength For Convolutional Neural Network, NeurIPS 2018, names a "sparsity inducing"
    penalty; L1 and its weight are our reading.
    """

    def __init__(self, l1: float = 0.0, group: float = 0.0) -> None:
        self.l1, self.group = check_number("l1", l1, least=0), check_number("group", group, least=0)

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty of strengths (Cin, Cout), a scalar in float32 or better."""
        x = widened(x)
        total = self.l1 * ops.sum(ops.abs(x))
        if self.group:
            total = total + self.group * ops.sum(ops.sqrt(ops.maximum(ops.sum(ops.square(x), axis=1), _TINY)))
        return total

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same penalty again."""
        return {"l1": self.l1, "group": self.group}


def soft_threshold(values: Tensor, step: Any) -> Tensor:
    """Moves values by `step` towards 0 and stops there: `sign(v) max(|v| - step, 0)`.

    The proximal step of `step * sum |v|`. Unlike a step along the penalty's gradient it gives exact zeros.

    Args:
        values: a tensor of any shape.
        step: not negative; learning rate times weight of the penalty.

    Returns:
        A tensor of the same shape.

    Example:
        >>> import numpy as np
        >>> [float(value) for value in soft_threshold(np.array([0.5, -0.25, 0.125], "float32"), 0.25)]
        [0.25, -0.0, 0.0]
    """
    return ops.sign(values) * ops.maximum(ops.abs(values) - step, 0)


def penalty_budget(weight: float, rates: float, *, momentum: float = 0.9) -> float:
    """How far an L1 penalty alone can move a strength in a run of momentum SGD: `weight sum(rates) / (1 - momentum)`.

    It has to be several times the strengths at the start, which are about sqrt(2 / Cin), or nothing is pruned.

    Args:
        weight: of the penalty.
        rates: sum of the learning rates of all steps.
        momentum: of the optimizer; 0 for proximal steps, which have none.

    Returns:
        The distance.

    Example:
        >>> round(penalty_budget(3e-4, 30 * 351 * 0.05), 2)  # 30 epochs of one cycle up to 0.1
        1.58
    """
    return weight * rates / (1 - momentum)
