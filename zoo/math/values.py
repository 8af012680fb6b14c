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


def check_odd(kernel_size: int) -> int:
    """The size of a window, as an `int`.

    Raises:
        ValueError: it is no positive odd integer: an even window has no centre.

    Example:
        >>> check_odd(3)
        3
    """
    if not is_whole(kernel_size) or kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"`kernel_size` must be an odd positive integer (1, 3, 5, ...); got {kernel_size!r}.")
    return int(kernel_size)
