"""Which numbers can be labels of so many classes."""

from __future__ import annotations

import numpy as np


def check_class_numbers(
    values: np.ndarray, classes: int, *, ignored: int | None = None, yes_or_no: bool = False, what: str = "labels"
) -> None:
    """Refuses numbers that no class has.

    Args:
        values: class numbers of any shape, or a yes or no for each logit.
        classes: the number of logits.
        ignored: a number that does not count, or None.
        yes_or_no: whether each logit has a label between 0 and 1 of its own.
        what: what errors call the values.

    Raises:
        ValueError: numbers outside of the classes, fractions, NaN, text, or probabilities where numbers are expected.

    Example:
        >>> check_class_numbers(np.array([0, 4]), 5)
    """
    if values.dtype.kind not in "biuf":
        raise ValueError(f"Expected {what} as numbers; got {values.dtype}: class names[k] has the number k.")
    if not values.size:
        return
    if yes_or_no:
        if values.ndim > 1 and values.shape[-1] != classes:  # Keras would spread one column over all logits
            raise ValueError(
                f"Expected {what} with a 0 (no) or 1 (yes) for each of {classes} logits; got rows of "
                f"{values.shape[-1]}: shape {values.shape}"
            )
        wrong = values[~((values >= 0) & (values <= 1))]
        if wrong.size:
            raise ValueError(
                f"label {wrong.flat[0]:g} is outside 0..1: expected 0 (no) or 1 (yes) for each of {classes} logits as "
                f"{what}"
            )
        return
    if values.ndim > 1 and values.shape[-1] == classes > 1 and _is_one_hot(values):
        raise ValueError(
            f"Expected {what} as class numbers 0..{classes - 1}; got one-hot rows of shape {values.shape}: pass "
            "labels.argmax(axis=-1), or compile with keras.losses.CategoricalCrossentropy(from_logits=True)"
        )
    whole = np.isfinite(values) & (values == np.round(values))
    if not whole.all():
        first = values[~whole].flat[0]
        raise ValueError(f"label {first:g} is no class number: expected whole numbers 0..{classes - 1} as {what}")
    bad = (values < 0) | (values >= classes)
    if ignored is not None:
        bad &= values != ignored
    if bad.any():
        count, besides = int(bad.sum()), "" if ignored is None else f" or {ignored} (ignored)"
        shift = "; if they are counted from 1, subtract 1" if values.min() == 1 and values.max() == classes else ""
        known = "one class" if classes == 1 else f"{classes} classes"
        raise ValueError(
            f"label {values[bad].flat[0]:g} is outside 0..{classes - 1}{besides}: the model has {known}, and "
            f"{count} of {values.size} {what} name none of them{shift}; for another number of classes build or load "
            "the model with num_classes="
        )


def _is_one_hot(values: np.ndarray) -> bool:
    return bool((values >= 0).all() and np.allclose(values.sum(axis=-1), 1))
