"""From other people's names and layouts of tensors to variable paths. NumPy only: files are read elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Tensors = Mapping[str, np.ndarray]
Rules = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
"""Regular expressions and what they become, applied to a name one after the other."""

NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""torch's batch normalization and Keras's."""


@dataclass
class Converted:
    """Tensors by variable path, and where each comes from.

    Attributes:
        tensors: arrays in our layout by variable path.
        sources: for each path the names in the file that it is made of.
        left_over: names in the file that nothing was made of.
        notes: sentences for the report, about what is not the same as in the file.
        exact: for paths whose tensor only approximates what the file has, what it has. The family's `with_exact(model,
            exact)` makes a model that computes with that, to compare.
    """

    tensors: dict[str, np.ndarray] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_over: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    exact: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, path: str, value: np.ndarray, *names: str) -> None:
        """Gives a path its tensor.

        Where several names lead to one path, as those of a layer that other layers share, equal tensors are one and
        the same; others are left over.
        """
        if path not in self.tensors:
            self.tensors[path], self.sources[path] = value, names
        elif np.array_equal(self.tensors[path], value):
            self.sources[path] += names
        else:
            self.left_over.extend(names)

    def join(self, first: str, second: str, path: str) -> None:
        """Puts the tensors of two paths behind one another, along the last axis, as that of a third."""
        one, two = self.tensors.get(first), self.tensors.get(second)
        if one is None or two is None or one.shape[:-1] != two.shape[:-1]:
            return
        parts = [self.tensors.pop(each) for each in (first, second)]
        names = [name for each in (first, second) for name in self.sources.pop(each)]
        self.add(path, np.concatenate(parts, axis=-1), *names)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One kind of file that networks of a family are read from.

    Attributes:
        name: whose files they are, for messages and cards.
        fits: whether a configuration's network can be read from such a file.
        convert: from a configuration and the file's tensors to tensors by variable path.
        adapt: a configuration as the names in a file want it, where the layout has variants.
        license: of the weights that the authors publish in this form, where there are some and it is known.
    """

    name: str
    fits: Callable[[Any], bool]
    convert: Callable[[Any, Tensors], Converted]
    adapt: Callable[[Any, Tensors], Any] = lambda config, tensors: config
    license: str | None = None


def by_rules(tensors: Tensors, rules: Rules, *, paths: Callable[[str], str] = lambda path: path) -> Converted:
    r"""Renames torch's tensors by rules, and gives each our layout.

    The rules give `layer.value`; layers whose name ends with `norm` hold a batch normalization.

    Args:
        tensors: arrays by name.
        rules: see `Rules`.
        paths: a last change of each path.

    Example:
        >>> rules = ((r"^fc\.", "head."),)
        >>> found = by_rules({"fc.weight": np.zeros((10, 4)), "extra": np.zeros(1)}, rules)
        >>> found.tensors["head/kernel"].shape, found.left_over
        ((4, 10), ['extra'])
    """
    found = Converted()
    for name, value in tensors.items():
        path = path_of(name, rules)
        if path is None:
            found.left_over.append(name)
        else:
            found.add(paths(path), layout(path, value), name)
    return found


def path_of(name: str, rules: Rules) -> str | None:
    """The variable path of a name, or None where no rule knows it."""
    renamed = name
    for pattern, replacement in rules:
        renamed = re.sub(pattern, replacement, renamed)
    layer, _, value = renamed.rpartition(".")
    if renamed == name or not layer:
        return None
    if layer.endswith("norm"):
        value = NORM.get(value, value)
    elif value == "weight":
        value = "kernel"
    return f"{layer}.{value}".replace(".", "/")


def layout(path: str, array: np.ndarray) -> np.ndarray:
    """(out, in, k, k) to (k, k, in, out), of a depthwise convolution to (k, k, channels, 1), (out, in) to (in, out).

    Example:
        >>> layout("stage1_block1_depthwise/kernel", np.zeros((8, 1, 3, 3))).shape
        (3, 3, 8, 1)
    """
    array = np.asarray(array)
    if path.startswith("head") and array.ndim == 4 and array.shape[2:] == (1, 1):
        array = array[:, :, 0, 0]
    if array.ndim != 4:
        return array.T
    return array.transpose(2, 3, 0, 1) if path.endswith("depthwise/kernel") else array.transpose(2, 3, 1, 0)


def entries(tensors: Iterable[np.ndarray]) -> int:
    """Numbers in all of them."""
    return sum(int(array.size) for array in tensors)
