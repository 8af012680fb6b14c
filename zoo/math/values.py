"""Checks of arguments: what kind of number or word a value is, and one dialect of errors for what it is not.

NumPy's integers and floats count as numbers, and a pair of equal numbers as one, as in Keras; `True` is no number. Each
`check_*` returns the value in its plain Python form, and otherwise raises "Expected `name` to be ...; got ...".
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Tensor: TypeAlias = Any
"""A tensor of Keras' backend, the symbol of one, or an array: what Keras' operations take, of no class of its own."""


def is_real(value: object) -> bool:
    """Whether it is a number, neither infinite nor NaN, and no truth value.

    Example:
        >>> is_real(2), is_real(float("nan")), is_real("2"), is_real(True)
        (True, False, False, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def is_whole(value: object) -> bool:
    """Whether it is an integer, of Python or NumPy, and no truth value.

    Example:
        >>> is_whole(2), is_whole(2.0), is_whole(True)
        (True, False, False)
    """
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def wide(dtype: str) -> str:
    """The dtype to add up in: 16 bits count no further than some hundreds; float64 stays what it is.

    Example:
        >>> wide("bfloat16"), wide("float64"), wide("int32")
        ('float32', 'float64', 'float32')
    """
    return "float64" if dtype == "float64" else "float32"


def known(values: Any) -> np.ndarray | None:
    """The numbers of a tensor of any backend, or None where there are none yet: in compiled code and in exports.

    Example:
        >>> known([1, 2]).tolist()
        [1, 2]
    """
    import numpy as np  # not at the top: the command line checks its arguments before anything needs it

    if getattr(values, "is_meta", False):
        return None
    try:
        return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
    except (AttributeError, NotImplementedError, RuntimeError, TypeError):  # what backends raise for symbols
        return None


def check_whole(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """The argument as an integer of at least `least` and, if that is given, at most `most`.

    Raises:
        ValueError: it is something else.

    Example:
        >>> check_whole("filters", 3)
        3
    """
    if not is_whole(value) or value < least or (most is not None and value > most):
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        wanted = wanted if most is None else f"an integer from {least} to {most}"
        raise ValueError(f"Expected `{name}` to be {wanted}; got {value!r}.")
    return int(value)


def check_seed(value: Any, name: str = "seed") -> int | None:
    """The seed of random numbers, an integer of at least 0; None stays None.

    Raises:
        ValueError: it is something else.

    Example:
        >>> check_seed(3), check_seed(None)
        (3, None)
    """
    return None if value is None else check_whole(name, value, 0)


def check_number(
    name: str,
    value: Any,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    reason: str = "",
) -> float:
    """The argument as a finite float within bounds.

    Args:
        name: of the argument.
        value: of the argument.
        least: lower bound that belongs to what is allowed.
        above: lower bound that does not.
        most: upper bound that belongs to what is allowed.
        below: upper bound that does not.
        reason: what the error says of the bounds, with the space before it.

    Raises:
        ValueError: it is something else.

    Example:
        >>> check_number("rate", 0.5, least=0, below=1)
        0.5
    """
    inside = is_real(value) and (least is None or value >= least) and (above is None or value > above)
    if inside and (most is None or value <= most) and (below is None or value < below):
        return float(value)
    low, high = ("above", above) if least is None else ("of at least", least), most if below is None else below
    if high is None:
        bounds = "" if low[1] is None else f" {low[0]} {low[1]}"
    else:
        bounds = f" in {'(' if least is None else '['}{low[1]}, {high}{']' if below is None else ')'}"
    raise ValueError(f"Expected `{name}` to be a number{bounds}{reason}; got {value!r}.")


def check_choice(name: str, value: Any, choices: Collection[Any]) -> Any:
    """The argument, one of some words (or None, where that is among them).

    Raises:
        ValueError: it is something else.

    Example:
        >>> check_choice("padding", "same", ("same", "valid"))
        'same'
    """
    if not (value is None or isinstance(value, str)) or value not in choices:
        words = ", ".join(f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices)
        raise ValueError(f"Expected `{name}` to be one of {words}; got {value!r}.")
    return value


def check_pair(name: str, value: Any) -> tuple[int, int]:
    """A size of a window, (height, width), that is given by one number or two.

    Raises:
        ValueError: no positive integers, or more than two.

    Example:
        >>> check_pair("kernel_size", 3)
        (3, 3)
    """
    sizes = tuple(value) if isinstance(value, (tuple, list)) else (value, value)
    if len(sizes) != 2 or not all(is_whole(size) and size >= 1 for size in sizes):
        raise ValueError(f"Expected `{name}` to be a positive integer or (height, width); got {value!r}.")
    return int(sizes[0]), int(sizes[1])


def check_square(name: str, value: Any) -> int:
    """One positive integer for both axes, given as 2 or as (2, 2).

    Raises:
        ValueError: something else, or two that differ.

    Example:
        >>> check_square("strides", (2, 2))
        2
    """
    height, width = check_pair(name, value) if isinstance(value, (tuple, list)) else (value, value)
    if height != width:
        raise ValueError(f"Expected `{name}` to be the same along both axes; got {value!r}.")
    return check_whole(name, height)


def check_odd(value: Any, name: str = "kernel_size") -> int:
    """The size of a window with a centre: an odd positive integer, given as 3 or as (3, 3).

    Raises:
        ValueError: it is something else: an even window has no centre.

    Example:
        >>> check_odd(3)
        3
    """
    size = check_square(name, value) if isinstance(value, (tuple, list)) else value
    if not is_whole(size) or size < 1 or size % 2 == 0:
        raise ValueError(f"Expected `{name}` to be an odd positive integer (1, 3, 5, ...); got {value!r}.")
    return int(size)
