"""What zoo relies on in a registered model, checked for one or for all models of a family."""

from __future__ import annotations

import inspect
import json
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

import keras

from zoo import _keras, datasets, hub
from zoo.hub import registry
from zoo.hub.facts import count_parameters
from zoo.hub.tasks import check_task
from zoo.models.preset import Preset
from zoo.testing.golden import assert_close
from zoo.training import resolve_recipe

_FIELDS = ("name", "input_shape", "num_classes", "include_head")


def check_family(name: str, *, export: bool = False) -> None:
    """Checks all models that are registered with a family's configurations; see `check_preset`.

    Args:
        name: of the family, as registered.
        export: also write each model as a SavedModel and compare it, which takes a minute.

    Raises:
        AssertionError: what does not hold, of which model.
        ValueError: there is no such family.

    Example:
        >>> check_family("pdegcn")  # doctest: +SKIP
    """
    family = registry.find_family(name)
    kinds = registry.config_classes(family).values()
    presets = [preset for preset in registry.presets().values() if type(preset.config) in kinds]
    _require(presets, name, "it has no preset: nothing is listed")
    known = {preset.name for preset in presets}
    strange = sorted(set(family.RECIPES) - known)
    _require(not strange, name, f"RECIPES names models that are no presets: {strange}")
    for preset in presets:
        check_preset(preset.name, export=export)


def check_preset(name: str, *, export: bool = False) -> None:
    """Checks everything that zoo relies on in a registered model.

    In this order: the configuration is frozen, has the fields that all have, and survives JSON; the recipe's data set,
    augmentations and fields are known; the network has the stated number of parameters, layers with names of their own,
    variables with one path each, a last layer called `head`, outputs that fit task and labels, and another head when
    asked for; it answers example inputs with finite numbers; saved and loaded again it gives the same.

    Args:
        name: of a registered model.
        export: also write it as a SavedModel and compare that, which takes a minute.

    Raises:
        AssertionError: what does not hold.
        ValueError: there is no such model.

    Example:
        >>> check_preset("gcnn_mnistrot")  # doctest: +SKIP
    """
    preset = registry.find_preset(name)
    case = _Case(preset, partial(_require, who=name))
    _check_config(case)
    _check_recipe(case)
    model = hub.build(name)
    check_names(model)
    _check_network(case, model)
    _check_saving(case, model, export=export)


def check_names(model: keras.Model) -> None:
    """Checks that weights can be told apart by their names, whatever else a process has built before.

    Args:
        model: a built model.

    Raises:
        AssertionError: layers with names that Keras made up, layers that train unless told otherwise, or variables that
            share a path.

    Example:
        >>> import zoo
        >>> check_names(zoo.build("gcnn_mnistrot"))
    """
    _require(not (found := automatic_names(model)), model.name, f"give these layers names: {found}")
    _require(not (found := training_by_default(model)), model.name, f"these layers train by default: {found}")
    paths = [variable.path for variable in model.variables]
    repeated = sorted({path for path in paths if paths.count(path) > 1})
    _require(not repeated, model.name, f"several variables share a path, so weights cannot be told apart: {repeated}")


def automatic_names(model: keras.Model) -> list[str]:
    """Names of layers, and of layers inside them, that Keras made up."""
    layers = _keras.sublayers(model)
    return [
        layer.name
        for layer in layers
        if re.sub(r"_\d+$", "", layer.name).replace("_", "") == type(layer).__name__.lower()
    ]


def training_by_default(model: keras.Model) -> list[str]:
    """Names of layers that take a call for training unless told otherwise, and tell all behind them the same."""
    found = []
    for layer in _keras.sublayers(model):
        argument = inspect.signature(layer.call).parameters.get("training")
        if argument is not None and argument.default is True:
            found.append(layer.name)
    return found


@dataclass(frozen=True)
class _Case:
    """A preset, and what raises where something does not hold."""

    preset: Preset
    require: Callable[..., None]


def _require(condition: Any, who: str, what: str) -> None:
    if not condition:
        raise AssertionError(f"{who}: {what}.")


def _check_config(case: _Case) -> None:
    preset, config = case.preset, case.preset.config
    kind = type(config)
    case.require(kind.__dataclass_params__.frozen, what=f"{kind.__name__} is no frozen dataclass")
    lacking = [field for field in _FIELDS if not hasattr(config, field)]
    case.require(not lacking, what=f"{kind.__name__} lacks the fields {lacking}")
    data = json.loads(json.dumps({field.name: getattr(config, field.name) for field in fields(config)}))
    family = registry.family_of(config)
    again = registry.config_from_data(family, kind.__name__, data, where=f"the configuration of {preset.name!r}")
    case.require(again == config, what=f"the configuration {config} comes back from JSON as {again}")
    count, classes = len(preset.labels), config.num_classes
    case.require(count == classes, what=f"it has {count} labels for {classes} classes")


def _check_recipe(case: _Case) -> None:
    try:
        recipe = registry.find_recipe(case.preset.name)
    except ValueError:
        return  # not every model is trained
    if recipe.dataset is not None:
        datasets.find_dataset(recipe.dataset)
    resolve_recipe(None, recipe)  # knows its augmentations and their options
    registry.replace_config(case.preset.config, **recipe.overrides)


def _check_network(case: _Case, model: keras.Model) -> None:
    preset = case.preset
    found = count_parameters(model)
    case.require(found == preset.parameters, what=f"it has {found:,} parameters; its preset says {preset.parameters:,}")
    last = model.layers[-1].name
    case.require(last == "head", what=f"its last layer is called {last!r}; expected 'head'")
    check_task(preset.task, tuple(model.output_shape))
    classes = model.output_shape[-1]
    case.require(classes == preset.config.num_classes, what=f"it has {classes} outputs")
    other = hub.build(preset.name, num_classes=preset.config.num_classes + 1)
    case.require(other.output_shape[-1] == classes + 1, what="it has the same outputs with another num_classes")
    cut = hub.build(preset.name, include_head=False)
    case.require("head" not in [each.name for each in cut.layers], what="it has a head with include_head=False")


def _check_saving(case: _Case, model: keras.Model, *, export: bool) -> None:
    inputs = hub.example_inputs(model)
    expected = keras.ops.convert_to_numpy(model(inputs, training=False))
    with tempfile.TemporaryDirectory() as folder:
        loaded = hub.load(hub.save(model, Path(folder) / "saved"))
        assert_close(loaded(inputs, training=False), expected, 1e-6, name=f"{case.preset.name} saved and loaded")
        file = Path(folder) / "model.keras"
        model.save(file)
        read = keras.models.load_model(file, compile=False)
        assert_close(read(inputs, training=False), expected, 1e-6, name=f"{case.preset.name} from a .keras file")
        if export:
            import zoo

            zoo.export(model, Path(folder) / "exported")
