"""A part of labelled examples set aside, as many of each class in proportion, the same for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.math.values import check_number

SHARE = 0.2
"""Part of each class that is set aside to choose by."""


def stratified(labels: np.ndarray, *, share: float = SHARE, seed: int = 0, names: Sequence[str] = ()) -> np.ndarray:
    """Draws examples to set aside: of each class the same share, rounded, at least one, and never all.

    Args:
        labels: whole numbers (N,).
        share: of each class, above 0 and below 1.
        seed: of the draw.
        names: of the classes, for the error.

    Returns:
        bool (N,): True for what is set aside.

    Raises:
        ValueError: another share, or a class with a single example.

    Example:
        >>> stratified(np.array([0] * 10 + [1] * 5)).reshape(3, 5).sum(axis=1).sum()
        np.int64(3)
    """
    share = check_number("share", share, above=0, below=1)
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < 2:
            name = names[label] if label < len(names) else label
            raise ValueError(f"The class {name!r} has one example; expected two or more, one of them to choose by.")
        count = min(max(round(share * len(members)), 1), len(members) - 1)
        chosen[rng.permutation(members)[:count]] = True
    return chosen
