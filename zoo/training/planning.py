"""What a run will do: network, recipe, data and settings, checked against one another before anything is trained."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from zoo import datasets, hub
from zoo._counting import counted
from zoo.datasets.opening import is_set_place, read_dataset
from zoo.datasets.protocol import DataSet, data_facts, is_batches, with_splits
from zoo.evaluation.inputs import image_batch
from zoo.models.custom import CustomConfig
from zoo.models.recipe import Recipe
from zoo.training import publishing, record, strategies
from zoo.training.callbacks import check_callbacks
from zoo.training.networks import Network
from zoo.training.settings import RunSettings

_SMOKE_EXAMPLES = 256


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a run needs to know before it begins.

    Attributes:
        network: what is trained.
        recipe: what to do.
        recipe_name: the name by which the recipe was asked for.
        own: data of the user's; None for the recipe's data set, which is read when it is needed.
        root: folder of the data sets, or None.
        callbacks: the user's.
        settings: how.
        start: facts of the weights to begin with.
    """

    network: Network
    recipe: Recipe
    recipe_name: str | None
    own: DataSet | None
    root: str | os.PathLike[str] | None
    callbacks: Sequence[keras.callbacks.Callback]
    settings: RunSettings
    start: dict[str, Any] | None
    _read: list[DataSet] = field(default_factory=list)

    @property
    def classes(self) -> Sequence[str] | None:
        """Names of the classes of the user's data, where it has some."""
        return None if self.own is None else self.own.classes

    @property
    def limit(self) -> int | None:
        """The number of batches of a smoke run's epoch, at most; None for any other."""
        return max(_SMOKE_EXAMPLES // self.recipe.batch_size, 1) if self.settings.smoke else None

    def identity(self, devices: strategies.Strategy) -> dict[str, Any]:
        """What makes the run another one than any other, for its record."""
        how = self.settings
        facts = {} if self.own is None else {"data": data_facts(self.own)}
        return {
            "model": self.network.name,
            **self.network.facts(),
            "seed": how.seed,
            "recipe": record.recipe_facts(self.recipe),
            "recipe_name": self.recipe_name,
            **facts,
            "start": self.start,
            "smoke": how.smoke,
            "precision": how.precision,
            "xla": how.xla,
            "backend": keras.backend.backend(),
            "strategy": devices.name,
            "replicas": devices.replicas,
        }

    def read(self) -> DataSet:
        """The data, read once, its splits cut short for a smoke run.

        Raises:
            ValueError: inputs or labels that the network does not take.
        """
        if not self._read:
            found = self.own or read_dataset(str(self.recipe.dataset), data=self.root)
            count = max(_SMOKE_EXAMPLES, self.recipe.batch_size) if self.settings.smoke else None
            found = with_splits(found, train=_joined(found), validation=None) if self.recipe.split != "train" else found
            parts = {name: _cut(getattr(found, name), count) for name in ("train", "validation")}
            checked = {name: _fitting(name, part, self.network, found.kind) for name, part in parts.items()}
            self._read.append(with_splits(found, **checked))
        return self._read[0]


def make_plan(
    network: Network,
    recipe: Recipe,
    data: Any,
    callbacks: Any,
    settings: RunSettings,
    *,
    recipe_name: str | None = None,
    own_recipe: bool = False,
) -> Plan:
    """Puts together what belongs together.

    Args:
        network: what is trained.
        recipe: what to do.
        data: as `zoo.train` takes it.
        callbacks: as `zoo.train` takes them.
        settings: how.
        recipe_name: the name by which the recipe was asked for.
        own_recipe: whether the recipe is no registered one.

    Returns:
        The plan.

    Raises:
        TypeError: data or callbacks of another kind.
        ValueError: what does not fit together.
        FileNotFoundError: data that is not there.
        FileExistsError: the tag to publish exists.
    """
    if settings.publish is not None:
        _check_publishing(network, data, recipe, settings, own_recipe)
    start = _start_facts(network, recipe, settings.start)
    found = check_callbacks(callbacks, recipe)
    network = network.for_recipe(recipe)
    own, root = _open_data(data, recipe, network)
    if own is not None and own.kind == "graphs" and isinstance(own.train, tuple) and "x" in own.train[0]:
        network = network.for_features(own.train[0]["x"].shape[-1])
    if own is not None and own.classes is not None:
        network = network.for_classes(len(own.classes))
    return Plan(
        network=network,
        recipe=recipe,
        recipe_name=recipe_name,
        own=own,
        root=root,
        callbacks=found,
        settings=settings,
        start=start,
    )


def _start_facts(network: Network, recipe: Recipe, start: Any) -> dict[str, Any] | None:
    """What the given weights are, for the record."""
    if start is not None:
        return hub.start_facts(start)
    if recipe.needs_start and network.source is None:
        raise ValueError(
            f"{network.name!r} is trained further from given weights: say which with start=FOLDER or a model."
        )
    return None


def _check_publishing(network: Network, data: Any, recipe: Recipe, settings: RunSettings, own_recipe: bool) -> None:
    assert settings.publish is not None
    publishing.check_tag(network.name, settings.publish, smoke=settings.smoke)
    if own_recipe or not network.registered or not is_set_place(data, recipe.dataset):
        raise ValueError(
            "Only runs of registered models by registered recipes on their data sets are published: leave out publish."
        )


def _open_data(data: Any, recipe: Recipe, network: Network) -> tuple[DataSet | None, Any]:
    """Data of the user's, or None and the folder of the data sets."""
    if is_set_place(data, recipe.dataset):
        return None, None if data == recipe.dataset else data
    if data is None:
        known = hub.find_preset(network.name).dataset if network.registered else "<name>"
        raise ValueError(
            "Which data? The recipe names no data set: pass data=<a folder of pictures, arrays or a data object> "
            f"(--data on the command line), or name a data set in the recipe (dataset={known!r})."
        )
    return datasets.open_data(data, shape=network.shape, labels=network.labels), None


def _joined(data: DataSet) -> Any:
    """The examples of both splits as one, for a recipe that learns from all of them.

    Raises:
        ValueError: splits that are not arrays of images or rows, one label each.
    """
    parts = (data.train, data.validation)
    if any(is_batches(part) or isinstance(part[0], Mapping) for part in parts) or len(parts[0]) != len(parts[1]):
        raise ValueError(
            "A recipe with split='train+validation' takes data whose splits are arrays (inputs, labels) alike; got "
            "batches, graphs, or weights in one of them alone. Join them yourself, or set split='train'."
        )
    return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))


def _cut(split: Any, count: int | None) -> Any:
    if count is None or split is None or is_batches(split):
        return split
    return keras.tree.map_structure(lambda array: array[:count], split)


def _fitting(name: str, split: Any, network: Network, kind: str) -> Any:
    """The split, if the network takes it."""
    if split is None or is_batches(split):
        return split
    inputs, labels, *weights = split
    wanted, found = network.shape, None if isinstance(inputs, Mapping) else inputs.shape[1:]
    if found is not None and wanted is not None and not _matches(found, wanted):
        raise ValueError(f"{network.name!r} takes inputs of shape {wanted}; the {name} split has {tuple(found)}.")
    classes = network.config.num_classes
    wide = labels.ndim > 1 and labels.dtype.kind == "f"
    if (wide and labels.shape[-1] != classes) or (not wide and labels.max() >= classes):
        most = labels.shape[-1] if wide else int(labels.max()) + 1
        has = counted(classes, "class")
        raise ValueError(f"{network.name!r} has {has}; the {name} split has labels of {most}.")
    if kind == "images" and not isinstance(network.config, CustomConfig) and wanted is not None:
        inputs = image_batch(inputs, wanted)
    return (inputs, labels, *weights)


def _matches(found: Sequence[int], wanted: Sequence[int | None]) -> bool:
    return len(found) == len(wanted) and all(side in (None, size) for size, side in zip(found, wanted, strict=True))
