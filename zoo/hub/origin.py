"""Where a model came from: what `zoo.build` and `zoo.load` write into it, as an object and as plain data."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.hub import registry


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What `zoo.save`, `zoo.features` and `zoo.decode` must know of a model; its attribute `origin`.

    Attributes:
        preset: the registered name, or None for a configuration of the user's own.
        family: the family that built it.
        config: the family's configuration.
        labels: class names in logit order.
        weights: the tag or folder that its weights were read from, or None.
        task: what its logits mean, a name of `zoo.hub.tasks.TASKS`; None for that of its configuration.
    """

    preset: str | None
    family: str
    config: Any
    labels: tuple[str, ...]
    weights: str | None = None
    task: str | None = None

    def to_data(self) -> dict[str, Any]:
        """The origin as plain JSON values; `Origin.from_data` reads it back."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        plain["config"] = {field.name: getattr(self.config, field.name) for field in dataclasses.fields(self.config)}
        plain["config_class"] = type(self.config).__name__
        return json.loads(json.dumps(plain))

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Origin:
        """The origin that `to_data` wrote; a `ValueError` for a family or a field that this version does not have."""
        known = dict(data)
        where = f"the origin of the model {known['config'].get('name')!r}"
        config = registry.config_from_data(known["family"], known.pop("config_class"), known["config"], where=where)
        return cls(**known | {"config": config, "labels": tuple(known["labels"])})


def find_origin(model: Any) -> Origin | None:
    """The origin of one of zoo's models; None for anything else."""
    origin = getattr(model, "origin", None)
    return origin if isinstance(origin, Origin) else None


def origin_of(model: Any) -> Origin:
    """The origin of one of zoo's models; a `ValueError` for any other."""
    origin = find_origin(model)
    if origin is None:
        name = getattr(model, "name", type(model).__name__)
        raise ValueError(
            f"Expected a model made by zoo.build or zoo.load; got {name!r}, a {type(model).__name__} without an "
            f"origin. Copies, clones and .keras files of zoo's models have one; keras.Model(inputs, outputs) and "
            f"models around a model have none: pass zoo's model itself, or give the weights to a new one by "
            f"zoo.load(name, num_classes=...).load_weights(file)"
        )
    return origin


def with_weights(name: str, weights: str | None) -> str | None:
    """What training began with, as a card names it: the model and the tag, or folder, of its weights; None for none."""
    return None if weights is None else f"{name} ({Path(weights).name})"


def labels_for(labels: tuple[str, ...], num_classes: int) -> tuple[str, ...]:
    """`labels` if they fit the number of classes, else the class numbers."""
    return labels if len(labels) == num_classes else tuple(str(index) for index in range(num_classes))
