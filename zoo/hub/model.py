"""The class of zoo's models: functional Keras models that carry their origin with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import keras

from zoo._keras import MarksClones
from zoo.hub import registry
from zoo.hub.announcing import SaysCompiling
from zoo.hub.arguments import check_labels
from zoo.hub.inputs import CheckedInputs
from zoo.hub.origin import Origin, origin_of
from zoo.hub.targets import CheckedLabels
from zoo.hub.tasks import task_of_origin

_CLONED_FROM = "_zoo_cloned_from"
"""The attribute of a clone's symbolic output that says what it was cloned from."""


@keras.saving.register_keras_serializable(package="zoo")
class ZooModel(MarksClones, CheckedLabels, CheckedInputs, SaysCompiling, keras.Model):
    """A functional model that knows what it is: what `zoo.build`, `zoo.load` and `zoo.features` return.

    Layers, variables and their paths are those of the functional model; the origin stands in the configuration. So it
    goes along into `.keras` files, `clone_model`, `copy.deepcopy` and `pickle`, and `zoo.predict`, `zoo.decode`,
    `zoo.save`, `zoo.features`, `zoo.export` and `zoo.fold` take such copies like the model itself.

    `fit` and `evaluate` look at the labels before anything is changed: a `ValueError` says which one names no class.
    They take `class_weight` and weights of whole samples for nodes and pixels as what they are, and edges that name no
    node are an error there and in `predict`. A first `fit` says that it compiles, and how long it took.

    `keras.Model(model.inputs, ...)` makes a plain model without an origin. A clone with inputs or outputs of another
    shape has none either, for it is another network.

    Args:
        inputs: symbolic inputs, as `keras.Model` takes them.
        outputs: symbolic outputs.
        name: the model's name.
        origin: an `Origin`, or what its `to_data` gave; None for a clone, which has that
            of the model it was cloned from.
        **kwargs: as of `keras.Model`.

    Raises:
        ValueError: the origin names a family or configuration that this version does not have.

    Example:
        >>> import copy, zoo
        >>> model = zoo.build("e4net_mnistrot", num_classes=2)
        >>> model.labels = ["cat", "dog"]
        >>> copy.deepcopy(model).labels
        ('cat', 'dog')
    """

    _origin: Origin | None = None

    def __init__(self, *args: Any, origin: Origin | Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        # As Keras' own: before 3.15 it takes a class that names inputs and outputs here for no functional model.
        super().__init__(*args, **kwargs)
        if origin is None:
            outputs = kwargs["outputs"] if "outputs" in kwargs else args[1]
            origin = getattr(keras.tree.flatten(outputs)[0], _CLONED_FROM, {}).get(_shapes(self))
        self._origin = Origin.from_data(origin) if isinstance(origin, Mapping) else origin

    @property
    def origin(self) -> Origin | None:
        """Where the model came from; None where it was rebuilt in a way that keeps no origin."""
        return self._origin

    @property
    def zoo_origin(self) -> Origin | None:
        """The same under its former name."""
        return self._origin

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names in logit order; set them to name classes of your own.

        Any list, tuple or array of as many strings as there are classes; blanks around a name are taken off. A
        `ValueError` for another number of names, empty or equal ones, or anything but strings.
        """
        return origin_of(self).labels

    @labels.setter
    def labels(self, labels: Any) -> None:
        origin = origin_of(self)
        self._origin = replace(origin, labels=check_labels(labels, origin.config.num_classes))

    @property
    def task(self) -> str:
        """What its logits mean: the name of a task of `zoo.hub.tasks`."""
        return task_of_origin(origin_of(self))

    def get_config(self) -> dict[str, Any]:
        """The functional model's configuration, and the origin as plain data."""
        data = None if self._origin is None else self._origin.to_data()
        return super().get_config() | {"origin": data}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ZooModel:
        """A model of the same layers and origin, with new variables."""
        if config.get("origin") is not None:
            origin = Origin.from_data(config["origin"])
            _ = registry.find_family(origin.family).build  # its import registers the layers
            config = config | {"origin": origin}
        return super().from_config(config, custom_objects)

    def mark_clone(self, output: keras.KerasTensor) -> None:
        """Tells a clone its origin through its first output: `clone_model` hands nothing else of the model to it."""
        if self._origin is not None:
            setattr(output, _CLONED_FROM, {_shapes(self): self._origin})


keras.saving.get_custom_objects()["ZooModel"] = ZooModel  # HDF5 files write the bare name of the outermost class


def _shapes(model: keras.Model) -> tuple[tuple[Any, ...], ...]:
    """The shapes of all inputs and all outputs."""
    return tuple(tuple(tuple(tensor.shape) for tensor in end) for end in (model.inputs, model.outputs))


def with_origin(model: keras.Model, origin: Origin | None, name: str | None = None) -> ZooModel:
    """A functional model as one of zoo's: the same layers and variables, not a copy.

    Args:
        model: a functional model.
        origin: where it came from.
        name: its name; None for that of `model`.
    """
    return ZooModel(model.input, model.output, name=name or model.name, origin=origin)
