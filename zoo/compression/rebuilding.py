"""A model with other layers in the places of some: the one way in which conversions rebuild models.

What is not replaced is copied with everything that it holds, and called as it was called: `training=True`, masks and
other arguments stay.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

import keras

from zoo import _copying, _keras
from zoo.compression.graph import check_functional

Replace = Callable[[Any], Callable[..., Any] | None]
"""Of a layer: what is called in its place, a new layer for example; None keeps a copy of it."""


def rebuild(model: keras.Model, replace: Replace = lambda layer: None) -> keras.Model:
    """A functional model of the same wiring, with variables of its own.

    Args:
        model: a functional model; not changed.
        replace: asked once for every layer. What it gives is called, wherever the layer is, with the layer's arguments.

    Returns:
        The new model, not compiled. Layers that stay have the same values, states and flags. New ones are as they
        come; of a new layer under the old name only the flags are set: what was frozen is.

    Raises:
        ValueError: not a functional model, or a layer that its configuration does not rebuild.
    """
    check_functional(model)
    with _keras.undrawn():
        new = keras.Model(*_run(model, _Copies(replace)), name=model.name)
    if not model.trainable:
        new.trainable = False
    olds = {layer.name: layer for layer in model.layers}
    for layer in new.layers:
        if layer.name in olds:
            _copying.copy_flags(olds[layer.name], layer)
    return new


def renewed(layer: keras.layers.Layer, **changes: Any) -> Any:
    """A new layer of the same class and configuration, but for changes of its arguments; without variables.

    Raises:
        ValueError: the configuration does not rebuild it.
    """
    try:
        if type(layer) is keras.layers.Lambda:
            return _lambda(layer)
        with own_classes(layer):
            return type(layer).from_config(configuration(layer) | changes)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ValueError(
            f"The layer {layer.name!r} ({type(layer).__name__}) cannot be made anew from its configuration: {error}. "
            "Give it a get_config that returns all arguments of its __init__."
        ) from error


def configuration(layer: keras.layers.Layer) -> dict[str, Any]:
    """What `get_config` says, with functions of the user's own, as activations may be, themselves."""
    config = layer.get_config()
    return config | {key: value for key, value in vars(layer).items() if key in config and _is_own_function(value)}


def own_classes(layer: keras.layers.Layer) -> Any:
    """A context in which configurations may name the user's own classes and functions that a layer is made of."""
    found: dict[str, Any] = {}
    for each in [layer, *_keras.sublayers(layer)]:
        found |= {type(value).__name__: type(value) for value in [each, *vars(each).values()] if _is_own(type(value))}
        found |= {value.__name__: value for value in vars(each).values() if _is_own_function(value)}
    return keras.saving.custom_object_scope(found)


class _Copies:
    """The operations of the new model, each made once; layers that models share within are shared again."""

    def __init__(self, replace: Replace, around: _Copies | None = None) -> None:
        self._replace = replace
        self._replaced: dict[int, Callable[..., Any]] = {}
        self._copied: dict[int, Any] = {} if around is None else around._copied
        self._waiting: list[tuple[Any, Any]] = []

    def of(self, operation: Any) -> Callable[..., Any]:
        """What is called in the place of an operation; one that holds nothing may serve in two models."""
        if not isinstance(operation, keras.layers.Layer):
            return operation
        if id(operation) in self._replaced:
            return self._replaced[id(operation)]
        new = self._replace(operation)
        if new is not None:
            self._replaced[id(operation)] = new
            return new
        if id(operation) not in self._copied:
            self._copied[id(operation)] = self._copy(operation)
        return self._copied[id(operation)]

    def _copy(self, layer: Any) -> Any:
        new = self._built(layer) if _copying.has_own_state(layer) else self._unfilled(layer)
        if new.built and _copying.fits(layer, new):
            _copying.copy_state(layer, new)  # now: what comes out may have a shape that depends on it
        else:
            self._waiting.append((layer, new))
        return new

    def fill(self) -> None:
        """Gives values to the layers whose variables were made when they were called."""
        for layer, new in self._waiting:
            _copying.copy_state(layer, new)

    def _unfilled(self, layer: Any) -> Any:
        """A layer of the same kind, whose values may come later."""
        inside = _Copies(lambda inner: None, self)
        if type(layer) is keras.Sequential:
            graph = _keras.functional_of(layer)
            inputs = [] if graph is None else [renewed(each) for each in graph.operations if _is_input(each)]
            return keras.Sequential([*inputs, *map(inside.of, layer.layers)], name=layer.name)
        if _keras.is_functional(layer) and not _is_own(type(layer)):
            return keras.Model(*_run(layer, inside), name=layer.name)
        return renewed(layer)

    def _built(self, layer: Any) -> Any:
        """One whose variables are made before it is called, as Keras does for a layer from a file."""
        new = self._unfilled(layer)
        config = layer.get_build_config() if layer.built and not new.built else None
        if not config:
            return new
        try:
            new.build_from_config(config)
        except Exception:  # a build of the user's own that wants more than shapes: then the call builds
            return renewed(layer)
        new.built = True
        return new


def _run(model: keras.Model, copies: _Copies) -> tuple[Any, Any]:
    """Inputs and outputs of a model with these operations."""
    tensors: dict[int, Any] = {}

    def known(value: Any) -> Any:
        return tensors[id(value)] if isinstance(value, keras.KerasTensor) else value

    for node in _keras.nodes(model):
        if _is_input(node.operation):
            outputs = renewed(node.operation).output
        else:
            args, kwargs = (keras.tree.map_structure(known, part) for part in (node.args, node.kwargs))
            outputs = copies.of(node.operation)(*args, **kwargs)
        for old, new in zip(node.outputs, keras.tree.flatten(outputs), strict=True):
            tensors[id(old)] = new
    copies.fill()
    return keras.tree.map_structure(known, model.input), keras.tree.map_structure(known, model.output)


def _is_input(operation: Any) -> bool:
    return isinstance(operation, keras.layers.InputLayer)


def _lambda(layer: Any) -> Any:
    """With the function itself: from a configuration Keras makes none, for safety's sake."""
    kept = {
        key: value for key, value in layer.get_config().items() if key in ("name", "trainable", "dtype", "arguments")
    }
    own = vars(layer)
    return keras.layers.Lambda(layer.function, output_shape=own.get("_output_shape"), mask=own.get("mask"), **kept)


def _is_own_function(value: Any) -> bool:
    return isinstance(value, types.FunctionType) and not value.__module__.startswith("keras.")


def _is_own(kind: type) -> bool:
    return kind.__module__.split(".")[0] not in ("keras", "builtins", "numpy", "tensorflow", "jax", "jaxlib", "torch")
