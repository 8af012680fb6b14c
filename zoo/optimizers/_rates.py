"""Factors of the learning rate by words in a variable's path and by the depth at which its layer stands."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

_NORMALIZATION = re.compile(r"(batch|layer|group|unit)_normalization(_\d+)?")
_NUMBERED = re.compile(r"(?!conv[123]d$)[A-Za-z]+\d+[a-z]?")
"""A first word that counts stages or blocks, and is not one that Keras gives to a convolution without a name."""


def find_rates(
    paths: Sequence[str], multipliers: Mapping[str, float], layer_decay: float | None, groups: Sequence[str] = ()
) -> tuple[float, ...]:
    """The factor of each variable.

    Args:
        paths: of the variables, from the input to the output.
        multipliers: factors by words; those of several words in one path multiply.
        layer_decay: factor from a group to the one before it; the last group has 1. None for none.
        groups: words of the groups, from the input to the output; by default found by `group_of`.

    Raises:
        ValueError: a word in no path, a path without a group, or one group where there must be several.
    """
    unused = sorted(word for word in (*multipliers, *groups) if not any(word in path for path in paths))
    if unused:
        raise ValueError(
            f"multipliers: no trained variable's path contains {', '.join(unused)}. The trained layers "
            f"are {_listed(paths)}."
        )
    factors = [math.prod(value for word, value in multipliers.items() if word in path) for path in paths]
    if layer_decay is None:
        return tuple(map(float, factors))
    numbers, count = _depths(paths, groups)
    return tuple(
        float(factor * layer_decay ** (count - 1 - number)) for factor, number in zip(factors, numbers, strict=True)
    )


def group_of(layer: str, before: str | None = None) -> str:
    """The group of a layer: what its name begins with, such as `stem`, `stage2` or `dense_1`.

    A normalization without a name of its own belongs to the group `before` it.

    Example:
        >>> [group_of(name) for name in ("stem_norm", "stage2_block1_conv1", "conv2d_3", "block_1_expand")]
        ['stem', 'stage2', 'conv2d_3', 'block_1']
    """
    if before is not None and _NORMALIZATION.fullmatch(layer):
        return before
    first, *others = layer.split("_")
    return f"{first}_{others[0]}" if others and others[0].isdigit() and not _NUMBERED.fullmatch(first) else first


def _depths(paths: Sequence[str], groups: Sequence[str]) -> tuple[list[int], int]:
    """The number of each variable's group, counted from the input, and how many groups there are."""
    found: list[str] = []
    numbers = []
    for path in paths:
        if groups:
            fitting = [number for number, word in enumerate(groups) if word in path]
            if not fitting:
                raise ValueError(f"layer_decay: none of the groups {', '.join(groups)} is in the path {path!r}.")
            numbers.append(fitting[0])
            continue
        name = group_of(path.split("/")[0], found[numbers[-1]] if numbers else None)
        found += [] if name in found else [name]
        numbers.append(found.index(name))
    count = len(groups or found)
    if count < 2:
        raise ValueError(
            f"layer_decay needs several groups of layers; all of {_listed(paths)} are one. Name them, from the input "
            "to the output: groups=['embedding', 'block1', 'head']."
        )
    return numbers, count


def _listed(paths: Sequence[str]) -> str:
    names = list(dict.fromkeys(path.split("/")[0] for path in paths))
    return ", ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-6:]])
