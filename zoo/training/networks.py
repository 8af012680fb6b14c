"""What is trained: a registered model by its name, a configuration, or any functional Keras model."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from typing import Any

import keras

from zoo import _copying, _keras, hub
from zoo._counting import counted
from zoo._paths import expanded
from zoo.hub import registry
from zoo.hub.settings import dtype_policy
from zoo.hub.state import weights_sha256
from zoo.hub.tasks import find_task, task_of_config, task_of_origin
from zoo.models import custom
from zoo.models.recipe import Recipe
from zoo.training.optimizers import value_of


class HasConfig:
    """What follows from a configuration, `config`."""

    config: Any

    @property
    def shape(self) -> tuple[int | None, ...] | None:
        """Shape of one input, where the configuration says it."""
        shape = getattr(self.config, "input_shape", None)
        return None if shape is None else tuple(shape)

    @property
    def recipes_of(self) -> str | None:
        """The registered model whose recipes are this network's, or None."""
        return self.config.name if self.config.name in hub.list_models() else None


@dataclass(frozen=True)
class Network(HasConfig):
    """A network to be trained, not built yet.

    Attributes:
        name: for people and for the record.
        config: the family's configuration.
        source: the model whose weights it begins with; None draws them at random.
        registered: whether the name alone says what it is.
    """

    name: str
    config: Any
    source: keras.Model | None = None
    registered: bool = False

    def facts(self) -> dict[str, Any]:
        """What else the record of a run says of it, besides its name."""
        if self.registered:
            return {}
        if self.source is None:
            return {"config": _json(self.config)}
        frozen = [index for index, weight in enumerate(self.source.weights) if not weight.trainable]
        return {"config": _json(self.config), "weights": weights_sha256(self.source), "frozen": frozen}

    @property
    def labels(self) -> tuple[str, ...] | None:
        """Names of the classes of the model it begins with; None where these are no names."""
        origin = None if self.source is None else hub.find_origin(self.source)
        return None if origin is None else origin.labels

    def for_recipe(self, recipe: Recipe) -> Network:
        """The network with what the recipe overrides while training.

        Raises:
            ValueError: overrides for a model that is built already, or unknown fields.
        """
        if not recipe.overrides:
            return self
        if self.source is not None:
            raise ValueError(
                f"The recipe overrides {', '.join(recipe.overrides)} of a configuration, and {self.name!r} is built "
                "already: leave the overrides out, or pass its name or configuration."
            )
        return dataclasses.replace(self, config=registry.replace_config(self.config, **recipe.overrides))

    def for_classes(self, count: int) -> Network:
        """The network for so many classes; one that is built already has to have them.

        Raises:
            ValueError: another number of classes.
        """
        if count == self.config.num_classes:
            return self
        if self.source is not None or isinstance(self.config, custom.CustomConfig):
            raise ValueError(
                f"The data has {counted(count, 'class')} and {self.name!r} "
                f"{counted(self.config.num_classes, 'output')}: give it a head of {counted(count, 'output')} (of zoo's "
                f"models: num_classes={count})."
            )
        return dataclasses.replace(self, config=registry.replace_config(self.config, num_classes=count))

    def for_features(self, count: int) -> Network:
        """The network for graphs with so many features a node; one that is built already has to take them.

        Raises:
            ValueError: a model that takes no graphs, or one that is built already for other features.
        """
        shape = self.shape
        if shape is None or len(shape) == 2 and shape[-1] in (None, count):
            return self
        if len(shape) != 2:
            raise ValueError(f"{self.name!r} takes no graphs: train one that does, pdegcn_cora for example.")
        if self.source is not None:
            raise ValueError(f"{self.name!r} takes {shape[-1]} features a node; the graph has {count}.")
        return dataclasses.replace(self, config=registry.replace_config(self.config, input_shape=(*shape[:-1], count)))

    def build(self, precision: str = "float32") -> keras.Model:
        """A new model, with the weights and the frozen layers of the given one."""
        with _keras.undrawn():
            with dtype_policy(precision):
                model = hub.build(self.config)
            if self.source is not None:
                _copy(self.source, model)
        return model


def find_network(model: Any, *, precision: str = "float32") -> Network:
    """What `zoo.train` is asked to train.

    Args:
        model: a registered name, a family's configuration, a model of zoo's, a functional or Sequential Keras model, or
            the path of one that Keras saved, `.keras`.
        precision: of the run; a model that is built already has its own.

    Returns:
        The network.

    Raises:
        TypeError: anything else.
        ValueError: an unknown name, a model without a head, one that cannot be made again from its configuration, or
            a precision for a model that is built already.
    """
    if isinstance(model, str | os.PathLike) and str(model).endswith(".keras"):
        model = _read_keras(model)
    if isinstance(model, str | os.PathLike):
        preset = registry.find_preset(_registered_name(model))
        check_task(preset.name, preset.task)
        return Network(preset.name, preset.config, registered=True)
    if not isinstance(model, keras.Model):
        if not dataclasses.is_dataclass(model) or isinstance(model, type):
            raise TypeError(
                f"Expected a model's name, a configuration or a Keras model to train; got {type(model).__name__}."
            )
        config: Any = model
        registry.family_of(config)
        check_task(config.name, task_of_config(config))
        return Network(config.name, config)
    if precision != "float32":
        raise ValueError(
            f"precision={precision!r} is for models that are built by the run; {model.name!r} is built already: "
            "build it "
            f"after keras.config.set_dtype_policy({precision!r})."
        )
    return _given(model)


def check_task(name: str, task: str) -> None:
    """Raises ValueError for a network that answers yes or no for each label."""
    if find_task(task).several_labels:
        raise ValueError(
            f"{name!r} answers yes or no for each label, and training by recipes is for classes that exclude one "
            "another: compile it with keras.losses.BinaryCrossentropy(from_logits=True) and fit it."
        )


def _registered_name(model: str | os.PathLike[str]) -> str:
    name = hub.parse_name(model)
    if not isinstance(name, hub.ModelName) or name.tag:
        raise ValueError(
            f"{str(model)!r} names weights: train the architecture by its name and begin with them, "
            f"start={str(model)!r}, "
            "or pass zoo.load(...)."
        )
    return name.model


def _read_keras(path: str | os.PathLike[str]) -> keras.Model:
    """A model from a file of Keras.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that Keras cannot read.
    """
    file = expanded(path)
    if not file.is_file():
        raise FileNotFoundError(f"No such file of a Keras model: {file}.")
    try:
        return keras.models.load_model(file, compile=False)
    except Exception as error:  # Keras raises whatever the constructors of foreign layers raise
        raise ValueError(
            f"Keras cannot read the model in {file}: {error} Layers of your own have to be registered first."
        ) from error


def _given(model: keras.Model) -> Network:
    """A network from a model that is built already."""
    origin = hub.find_origin(model)
    if origin is not None:
        check_task(model.name, task_of_origin(origin))
    config = custom.config_of(model) if origin is None else origin.config
    if not config.include_head:
        raise ValueError(f"{model.name!r} has no head: expected a model that gives logits of classes.")
    if not model.trainable_variables:
        raise ValueError(f"All layers of {model.name!r} are frozen: nothing is left to train.")
    return Network(config.name, config, source=model)


def _json(config: Any) -> dict[str, Any]:
    """A configuration for the record; an architecture by its hash."""
    values = dataclasses.asdict(config)
    if isinstance(config, custom.CustomConfig):
        values["architecture"] = hashlib.sha256(config.architecture.encode()).hexdigest()
    return values


def _copy(source: keras.Model, target: keras.Model) -> None:
    """Weights and frozen layers of one model for another one of the same configuration.

    Raises:
        ValueError: the source was changed after it was built.
    """
    shapes = [[tuple(weight.shape) for weight in model.weights] for model in (source, target)]
    layers = list(zip(_layers(source), _layers(target), strict=False))
    if shapes[0] != shapes[1] or any(type(old) is not type(new) for old, new in layers):
        raise ValueError(f"{source.name!r} was changed after it was built, and cannot be made again: build it anew.")
    for old, new in layers:
        new.trainable = old.trainable
    for old, new in zip(source.weights, target.weights, strict=True):
        new.assign(value_of(old))
        new.trainable = old.trainable  # of a layer inside another one
    _copying.copy_learnt(source, target)


def _layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model, those of models inside it after them."""
    found = []
    for layer in model.layers:
        found += [layer, *(_layers(layer) if isinstance(layer, keras.Model) else [])]
    return [layer for layer in found if not isinstance(layer, keras.layers.InputLayer)]
