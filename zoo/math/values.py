"""What kind of number an argument is, for checks that take anything."""

from __future__ import annotations

import math
import numbers


def is_real(value: object) -> bool:
    """Whether it is a number, neither infinite nor NaN.

    Example:
        >>> is_real(2), is_real(float("nan")), is_real("2")
        (True, False, False)
    """
    return isinstance(value, numbers.Real) and math.isfinite(value)


def is_whole(value: object) -> bool:
    """Whether it is an integer, of Python or NumPy.

    Example:
        >>> is_whole(2), is_whole(2.0)
        (True, False)
    """
    return isinstance(value, numbers.Integral)
