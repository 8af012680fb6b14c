"""Checks of the arguments that users change a model with, before Keras sees them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from zoo.math.values import check_whole, is_whole


def check_classes(num_classes: Any, *, needed: bool = False) -> int | None:
    """A number of classes as an int; None stays None, unless one is `needed`.

    Raises:
        ValueError: no whole number of at least 1.
    """
    if num_classes is None and not needed:
        return None
    return check_whole("num_classes", num_classes)


def check_labels(labels: Any, num_classes: int | None = None) -> tuple[str, ...]:
    """Class names as a tuple of strings, without the blanks around them.

    Args:
        labels: names in logit order: a list, a tuple, an array of NumPy or a column of pandas.
        num_classes: how many there must be; None for any number.

    Raises:
        ValueError: another number of names, anything but strings, empty names, or two equal ones.
    """
    wanted = "Expected class names in logit order, for example ['cat', 'dog']"
    single = not hasattr(labels, "__iter__") or getattr(labels, "shape", None) == ()
    if labels is None or single or isinstance(labels, str | bytes | Mapping | Set):
        raise ValueError(f"{wanted}; got {type(labels).__name__}: {labels!r}")
    given = list(labels)
    wrong = [label for label in given if not isinstance(label, str)]
    if wrong:
        raise ValueError(f"{wanted}; got {wrong[0]!r} of type {type(wrong[0]).__name__}: write it as a string")
    names = tuple(str(label).strip() for label in given)
    if not names or not all(names):
        raise ValueError(f"{wanted}; got {'an empty name' if names else 'none'} in {given!r}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{wanted}, each one once; got {', '.join(map(repr, twice))} more than once")
    if num_classes is not None and len(names) != num_classes:
        raise ValueError(f"Expected {num_classes} class names, one a class; got {len(names)}: {', '.join(names[:10])}.")
    return names


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
    wanted = "Expected `input_shape` to be (height, width, channels), for example (28, 28, 1)"
    if len(like) == 2:
        wanted = "Expected `input_shape` to be (nodes, features), for example (None, 1433)"
    if isinstance(input_shape, str) or not hasattr(input_shape, "__len__") or len(input_shape) != len(like):
        raise ValueError(f"{wanted}; got {input_shape!r}.")
    sides = tuple(input_shape)
    if sides[-1] is None or any(side is not None and not (is_whole(side) and side >= 1) for side in sides):
        raise ValueError(f"{wanted} with positive numbers, of which all but the last may be None; got {input_shape!r}.")
    return tuple(None if side is None else int(side) for side in sides)
