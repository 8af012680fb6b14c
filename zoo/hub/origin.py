"""Where a model came from: the note that `zoo.build` and `zoo.load` leave on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What `zoo.save`, `zoo.features` and `zoo.decode` must know of a model; its attribute `zoo_origin`.

    Attributes:
        preset: the registered name, or None for a configuration of the user's own.
        family: the family that built it.
        config: the family's configuration.
        labels: class names in logit order.
        weights: the tag or folder that its weights were read from, or None.
    """

    preset: str | None
    family: str
    config: Any
    labels: tuple[str, ...]
    weights: str | None = None


def origin_of(model: keras.Model) -> Origin:
    """The note on a model; a `ValueError` when it is not one of zoo's."""
    origin = getattr(model, "zoo_origin", None)
    if not isinstance(origin, Origin):
        name = getattr(model, "name", type(model).__name__)
        raise ValueError(
            f"expected a model made by zoo.build or zoo.load, got {name!r} without the attribute zoo_origin; "
            f"a model read by keras.models.load_model or cloned has lost it: load it with zoo.load instead"
        )
    return origin


def labels_for(labels: tuple[str, ...], num_classes: int) -> tuple[str, ...]:
    """`labels` if they fit the number of classes, else the class numbers."""
    return labels if len(labels) == num_classes else tuple(str(index) for index in range(num_classes))
