"""Checks of the arguments that users change a model with, before Keras sees them."""

from __future__ import annotations

import operator
from typing import Any


def check_classes(num_classes: Any, *, needed: bool = False) -> int | None:
    """A number of classes as an int; None stays None, unless one is `needed`.

    Raises:
        ValueError: no whole number of at least 1.
    """
    if num_classes is None and not needed:
        return None
    count = _whole(num_classes)
    if count is None or count < 1:
        raise ValueError(f"expected `num_classes` to be a whole number of at least 1, got {num_classes!r}")
    return count


def check_input_shape(input_shape: Any, like: tuple[int | None, ...]) -> tuple[int | None, ...] | None:
    """A shape as a tuple of ints, with None for sides that stay open; None stays None.

    Args:
        input_shape: what the user gave.
        like: the shape that the model's configuration has: of images, or (nodes, features) of graphs.

    Raises:
        ValueError: no (height, width, channels), or no (nodes, features), of positive whole numbers.
    """
    if input_shape is None:
        return None
    wanted = "expected `input_shape` to be (height, width, channels), for example (28, 28, 1)"
    if len(like) == 2:
        wanted = "expected `input_shape` to be (nodes, features), for example (None, 1433)"
    if isinstance(input_shape, str) or not hasattr(input_shape, "__len__") or len(input_shape) != len(like):
        raise ValueError(f"{wanted}, got {input_shape!r}")
    shape = tuple(None if side is None else _whole(side) for side in input_shape)
    wrong = any(given is not None and not side for given, side in zip(input_shape, shape, strict=True))
    if wrong or shape[-1] is None or any(side is not None and side < 1 for side in shape):
        raise ValueError(f"{wanted} with positive numbers, of which all but the last may be None; got {input_shape!r}")
    return shape


def _whole(value: Any) -> int | None:
    """An integer of any kind, NumPy's too, as an int; None for anything else, truth values included."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None
