"""The model that fine-tuning begins with: a name, a folder, or a model that is built already."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from zoo import hub
from zoo.hub import paths, registry
from zoo.hub.source import find_source
from zoo.hub.tasks import task_of_config
from zoo.math.values import check_pair
from zoo.models import custom
from zoo.models.recipe import Recipe
from zoo.training.networks import HasConfig, Network, check_task, find_network
from zoo.training.resetting import reset_head


@dataclass(frozen=True)
class Given(HasConfig):
    """What a user gave as the model, not loaded yet where it is a name.

    Attributes:
        name: for the record.
        config: the family's configuration, of the size that is wanted.
        labels: names of its classes, or None.
        place: the name or folder of its weights; None for a model that is built already.
        network: the model that is built already.
        has_weights: False for a registered name without weights.
    """

    name: str
    config: Any
    labels: tuple[str, ...] | None
    place: Any = None
    network: Network | None = None
    has_weights: bool = True

    @classmethod
    def of(cls, model: Any, *, size: int | tuple[int, int] | None = None) -> Given:
        """Looks a model up.

        Args:
            model: a name, a folder, the path of a `.keras` file, or a Keras model.
            size: height and width in pixels, or one number for both, where other ones than the model's are wanted.

        Raises:
            ValueError: an unknown name, or a size for a model that is built already or takes no images.
            TypeError: anything else.
        """
        if isinstance(model, keras.Model) or str(model).endswith(".keras"):
            network = find_network(model)
            if size is not None:
                raise ValueError(f"{network.name!r} is built already for inputs {network.shape}: leave out size.")
            return cls(network.name, network.config, network.labels, network=network)
        if not isinstance(model, str | Path):
            raise TypeError(f"Expected a model's name, folder or a Keras model; got {type(model).__name__}.")
        name = hub.parse_name(model)
        trained = isinstance(name, Path) or name.tag is not None or bool(paths.tags(name.model))
        source = find_source(name, "default" if trained else None)
        config = source.config
        check_task(config.name, source.task or task_of_config(config))
        if size is not None:
            config = registry.replace_config(config, input_shape=_sized(config, size))
        return cls(config.name, config, source.labels, place=model, has_weights=trained)

    @property
    def takes_pixels(self) -> bool:
        """Whether inputs are images."""
        return self.shape is not None and len(self.shape) == 3

    def for_classes(self, classes: Sequence[str]) -> tuple[keras.Model, keras.layers.Dense | None]:
        """The loaded model with as many outputs as there are classes, and its head.

        Returns:
            A model whose head is new unless it had these very classes; and the last layer, if it is `Dense`.

        Raises:
            ValueError: no trained weights, or a model of the user's own whose last layer cannot be replaced.
        """
        kept = self.labels is not None and tuple(self.labels) == tuple(classes)
        if self.network is not None or isinstance(self.config, custom.CustomConfig):
            model = hub.load(self.place, compile=False) if self.network is None else self.network.build()
            if self.config.num_classes != len(classes):
                model = reset_head(model, len(classes))
        else:
            count: dict[str, Any] = {} if kept else {"num_classes": len(classes)}
            model = hub.load(self.place, compile=False, input_shape=self.shape, **count)
        last = model.layers[-1]
        head = isinstance(last, keras.layers.Dense) and len(last.output.shape) == 2
        return model, last if head else None

    def config_for(self, model: keras.Model) -> Any:
        """The configuration of the model that `for_classes` made."""
        return hub.origin_of(model).config

    def for_graph(self, *, features: int, classes: Sequence[str]) -> Network:
        """The network for the nodes of a graph, with the trained weights if the graph has the same features.

        Raises:
            ValueError: a model that takes no graphs, or one that is built already for another graph.
        """
        shape = self.shape
        if shape is None or len(shape) != 2:
            raise ValueError(f"{self.name!r} takes no graphs: fine-tune one that does, pdegcn_cora for example.")
        if self.network is not None:
            return self.network.for_features(features).for_classes(len(classes))
        if shape[-1] == features and self.has_weights:
            model = hub.load(self.place, num_classes=len(classes), compile=False)
            return Network(self.name, hub.origin_of(model).config, source=model)
        return Network(self.name, self.config).for_features(features).for_classes(len(classes))

    def as_recipe_wants(self, network: Network, recipe: Recipe) -> Network:
        """The network with what its recipe overrides; one with weights keeps its configuration."""
        if network.source is not None or not recipe.overrides:
            return network
        return dataclasses.replace(network, config=registry.replace_config(network.config, **recipe.overrides))


def _sized(config: Any, size: int | tuple[int, int]) -> tuple[int | None, ...]:
    shape: tuple[int | None, ...] = tuple(getattr(config, "input_shape", ()))
    if len(shape) != 3:
        raise ValueError(f"Expected a model of images where `size` is given; got one for inputs {tuple(shape)}.")
    return (*check_pair("size", size), shape[-1])
