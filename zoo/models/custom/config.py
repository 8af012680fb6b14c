"""From a Keras model to a configuration that makes the same network again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras

_SINGLE = "a functional or Sequential model with one output, and as input one tensor or the dictionary of x and edges"


@dataclass(frozen=True, kw_only=True)
class CustomConfig:
    """A network of the user's own.

    Attributes:
        name: in snake case, for the card.
        architecture: JSON of what `keras.saving.serialize_keras_object` says of the model.
        input_shape: of one example; of a graph's nodes (nodes, features).
        num_classes: width of the output.
        include_head: True; such a network is kept whole.
        task: what its outputs mean.
    """

    name: str
    architecture: str
    input_shape: tuple[int | None, ...]
    num_classes: int
    include_head: bool = True
    task: str = "image-classification"


CONFIGS = (CustomConfig,)
"""The kinds of configuration of this family."""


def config_of(model: keras.Model) -> CustomConfig:
    """The configuration of a Keras model. A softmax at its end is left out: models of zoo give logits.

    Args:
        model: functional or Sequential, with one output of at least two classes.

    Returns:
        The configuration; weights and compilation are no part of it.

    Raises:
        TypeError: no Keras model.
        ValueError: a model of another kind, not built, or with layers that Keras cannot make from their configuration.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax", name="out")])
        >>> config_of(model).num_classes
        3
    """
    input_shape, classes, task = _shapes(model)
    try:
        described = keras.saving.serialize_keras_object(model)
        text = json.dumps(_without_softmax(_renamed(_without_compilation(described))))
        keras.saving.deserialize_keras_object(json.loads(text))
    except Exception as error:  # Keras raises whatever the constructors of foreign layers raise
        raise ValueError(
            f"The model {model.name!r} cannot be made again from its configuration, and so not be stored: {error}\n"
            "Layers of your own need keras.saving.register_keras_serializable() and a get_config; a Lambda layer has "
            "to become such a layer."
        ) from error
    name = snake_case(json.loads(text)["config"].get("name") or model.name)
    return CustomConfig(name=name, architecture=text, input_shape=input_shape, num_classes=classes, task=task)


def snake_case(name: str) -> str:
    """A name as cards have it.

    Example:
        >>> snake_case("mobilenet_0.25_32"), snake_case("My Model-2")
        ('mobilenet_0_25_32', 'my_model_2')
    """
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return words if re.match("[a-z]", words) else f"model_{words}".rstrip("_")


def own_layers(architecture: str) -> list[str]:
    """Classes of an architecture that belong neither to Keras nor to zoo, as `package>Name`."""
    return sorted({name for name in _registered(json.loads(architecture)) if name and not name.startswith("zoo>")})


def _registered(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("registered_name"), str) and not str(value.get("module")).startswith("keras"):
            yield value["registered_name"]
        for item in value.values():
            yield from _registered(item)
    elif isinstance(value, list):
        for item in value:
            yield from _registered(item)


def _shapes(model: Any) -> tuple[tuple[int | None, ...], int, str]:
    """Shape of one example, number of classes and task, of a model that can be trained here."""
    if not isinstance(model, keras.Model):
        raise TypeError(f"Expected a Keras model; got {type(model).__name__}.")
    functional = isinstance(model, keras.Sequential) or hasattr(model, "operations")
    if not functional:
        raise ValueError(f"Expected {_SINGLE}; {model.name!r} is a {type(model).__name__} with a call of its own.")
    if not model.built or not getattr(model, "inputs", None):
        raise ValueError(f"{model.name!r} is not built: begin it with keras.Input(shape), or call it once.")
    inputs, output = ends(model)
    graph = isinstance(inputs, dict) and set(inputs) == {"x", "edges"}
    if isinstance(output, list | tuple | dict) or (isinstance(inputs, list | tuple | dict) and not graph):
        raise ValueError(
            f"Expected {_SINGLE}; {model.name!r} has {len(model.inputs)} inputs, {len(model.outputs)} outputs."
        )
    classes = output.shape[-1]
    if len(output.shape) < 2 or classes is None or classes < 2:
        raise ValueError(
            f"Expected at least two outputs, one a class; {model.name!r} gives {tuple(output.shape)}. For a yes or "
            "no use "
            "two classes."
        )
    shape = tuple((inputs["x"] if graph else inputs).shape[1:])
    return shape, int(classes), _task(graph, len(shape), len(output.shape))


def ends(model: keras.Model) -> tuple[Any, Any]:
    """Input and output of a functional or Sequential model; one in a list as what it is."""
    sequential = isinstance(model, keras.Sequential)
    found = (model.inputs, model.outputs) if sequential else (model.input, model.output)
    inputs, output = (end[0] if isinstance(end, list | tuple) and len(end) == 1 else end for end in found)
    return inputs, output


def _task(graph: bool, inside: int, outside: int) -> str:
    """What a network answers, by the axes of an example and of the output."""
    tasks = {(True, 2): "graph-classification", (True, 3): "node-classification"}
    if not graph:
        tasks = {(False, 2): "image-classification" if inside == 3 else "classification"}
        tasks |= {(False, 4): "semantic-segmentation"}
    if (graph, outside) not in tasks:
        raise ValueError(f"Expected classes of images, pixels, nodes or graphs; the output has {outside} axes.")
    return tasks[graph, outside]


def _without_compilation(described: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in described.items() if name != "compile_config"}


def _without_softmax(described: dict[str, Any]) -> dict[str, Any]:
    """The description of a model whose last layer gives what the softmax at its end would take.

    Raises:
        ValueError: a sigmoid at the end.
    """
    config = described["config"]
    last = _last_layer(config)
    if last is None:
        return described
    if "layers" in last["config"]:
        return described | {"config": config | {"layers": _replaced(config, last, _without_softmax(last))}}
    activation = _activation(last)
    if activation == "sigmoid":
        raise ValueError("it ends in a sigmoid; expected logits of classes that exclude each other, or a softmax")
    if activation != "softmax":
        return described
    if last["class_name"] == "Softmax":
        plain = {"name": last["config"]["name"], "activation": "linear", "dtype": last["config"].get("dtype")}
        changed = last | {"class_name": "Activation", "config": plain}
    else:
        changed = last | {"config": last["config"] | {"activation": "linear"}}
    return described | {"config": config | {"layers": _replaced(config, last, changed)}}


def _renamed(described: dict[str, Any]) -> dict[str, Any]:
    """The description with Keras' automatic names counted anew.

    They count all layers that a process has made, `dense_7`; so the same model would have other names in the next one.
    """
    known = list(_names(described))
    fixed = {name for kind, name in known if not _is_automatic(kind, name)}
    renamed: dict[str, str] = {}
    for kind, name in known:
        if name not in renamed and name not in fixed:
            base = _automatic(kind)
            numbers = (f"{base}_{index}" if index else base for index in range(len(known) + len(fixed) + 1))
            renamed[name] = next(new for new in numbers if new not in fixed and new not in renamed.values())
    return _with_names(described, renamed)


def _names(value: Any) -> Iterator[tuple[str, str]]:
    """Class and name of every model and layer in a description, from outside in."""
    if isinstance(value, dict):
        config = value.get("config")
        if (
            isinstance(value.get("class_name"), str)
            and isinstance(config, dict)
            and isinstance(config.get("name"), str)
        ):
            yield value["class_name"], config["name"]
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
        yield from _names(item)


def _with_names(value: Any, names: dict[str, str]) -> Any:
    """A description with other names wherever one stands for a layer."""
    if isinstance(value, list | tuple):
        return [_with_names(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: _with_names(item, names) for key, item in value.items()}
    for key in ("name", "keras_history", "input_layers", "output_layers"):
        if key in made:
            made[key] = _put(made[key], names)
    return made


def _put(place: Any, names: dict[str, str]) -> Any:
    """A name, or the names in a nested structure of (layer, node, tensor), replaced."""
    if isinstance(place, str):
        return names.get(place, place)
    if isinstance(place, dict):
        return {key: _put(item, names) for key, item in place.items()}
    return [_put(item, names) for item in place] if isinstance(place, list) else place


def _is_automatic(kind: str, name: str) -> bool:
    return re.fullmatch(rf"{re.escape(_automatic(kind))}(_\d+)?", name) is not None


def _automatic(kind: str) -> str:
    """The name that Keras gives the first layer of a class."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def _replaced(config: dict[str, Any], old: dict[str, Any], new: dict[str, Any]) -> list[Any]:
    return [new if layer is old else layer for layer in config["layers"]]


def _last_layer(config: dict[str, Any]) -> dict[str, Any] | None:
    """The layer that a model's output comes from; None where the model is no list of layers."""
    layers = config.get("layers")
    if not layers:
        return None
    place = config.get("output_layers")
    if place is None:
        return layers[-1]
    while isinstance(place, list | tuple) and isinstance(place[0], list | tuple):
        place = place[0]
    return next((layer for layer in layers if layer["config"].get("name") == place[0]), None)


def _activation(layer: dict[str, Any]) -> str | None:
    if layer["class_name"] == "Softmax":
        return "softmax"
    found = layer["config"].get("activation")
    while isinstance(found, dict):
        found = found.get("config") if isinstance(found.get("config"), str) else found.get("class_name")
    return str(found).lower() if found else None
