"""All that a layer holds, carried into another layer of the same class and configuration.

Weights are not all: an adapted `Normalization` computes with constants that it made of its weights, a `StringLookup`
holds a table, a layer of a user's own whatever `save_own_variables` writes; random layers hold the state of their
generator; layers, and single weights, are frozen or not. Whoever builds a model anew copies with `copy_state`.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from zoo import _keras


def copy_state(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Gives a layer or model everything that another one of the same kind holds: values, states and flags.

    Args:
        source: where it comes from; not changed.
        target: of the same class and configuration, with its variables made.

    Raises:
        ValueError: the two do not have the same layers and variables inside; names the place.
    """
    pairs = list(_pairs(source, target))
    for old, new in pairs:
        _copy_learnt(old, new)
    for old, new in pairs:
        _copy_variables(old, new)
        if hasattr(old, "finalize_state") and not hasattr(old, "set_vocabulary"):
            new.finalize_state()
        _copy_attributes(old, new)
    copy_flags(source, target)


def copy_learnt(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """What layers hold beside their weights, for a model of the same layers that has the weights already.

    Raises:
        ValueError: the two do not have the same layers inside; names the place.
    """
    for old, new in _pairs(source, target):
        _copy_learnt(old, new)
    finalize(target)


def take_weights(model: keras.Model, values: Iterable[Any]) -> keras.Model:
    """The model with the values of another one's weights, in their order.

    Raises:
        ValueError: another number of weights.
    """
    for variable, value in zip(model.weights, values, strict=True):
        variable.assign(value)
    finalize(model)
    return model


def finalize(model: keras.layers.Layer) -> None:
    """Has the layers inside recompute what they make of their weights, after these were set: `Normalization` does."""
    for layer in [model, *_keras.sublayers(model)]:
        if hasattr(layer, "finalize_state") and not hasattr(layer, "set_vocabulary"):
            layer.finalize_state()


def beside_weights(model: keras.layers.Layer) -> list[str]:
    """Names of the layers inside that hold something which neither their weights nor their arguments say."""
    return [
        layer.name
        for layer in _keras.sublayers(model)
        if any(_has_own(layer, name) for name in _METHODS)
        or (_is_lookup(layer) and layer.input_vocabulary is None)
        or (isinstance(layer, keras.layers.Discretization) and layer.num_bins is not None)
    ]


def copy_flags(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    """Freezes of a layer what is frozen of another one, as far as layers and variables inside have the same names."""
    if target.trainable != source.trainable:
        target.trainable = source.trainable
    flags = {variable.name: variable.trainable for variable in _keras.own_variables(source)}
    for variable in _keras.own_variables(target):
        if variable.name in flags and variable.trainable != flags[variable.name]:
            variable.trainable = flags[variable.name]
    for old, new in _children(source, target) or ():
        copy_flags(old, new)


def has_own_state(layer: keras.layers.Layer) -> bool:
    """Whether a layer, or one inside, holds or may hold more than weights, which its output's shape may depend on."""
    return any(_is_special(each) for each in [layer, *_keras.sublayers(layer)])


def fits(source: keras.layers.Layer, target: keras.layers.Layer) -> bool:
    """Whether both have the same layers and variables inside, so that `copy_state` can do its work."""
    try:
        return all(_shapes(old) == _shapes(new) for old, new in _pairs(source, target))
    except ValueError:
        return False


def _pairs(source: Any, target: Any) -> Iterator[tuple[Any, Any]]:
    """Both layers, and those inside them that correspond."""
    yield source, target
    children = _children(source, target)
    if children is None:
        raise ValueError(
            f"{source.name!r} ({type(source).__name__}) cannot be copied: rebuilt from its configuration it holds "
            "other layers. Have its get_config return all arguments that decide what it is made of."
        )
    for old, new in children:
        yield from _pairs(old, new)


def _children(source: Any, target: Any) -> list[tuple[Any, Any]] | None:
    """The layers that both hold themselves, by name where names are unique and the same; None where they differ."""
    old, new = (_keras.sublayers(layer, deep=False) for layer in (source, target))
    names = {layer.name: layer for layer in new}
    if len(names) == len(new) == len(old) and {layer.name for layer in old} == set(names):
        pairs = [(layer, names[layer.name]) for layer in old]
    else:
        pairs = list(zip(old, new, strict=False))
    same = len(old) == len(new) and all(type(one) is type(other) for one, other in pairs)
    return pairs if same else None


def _shapes(layer: Any) -> list[tuple[Any, ...]]:
    return [tuple(variable.shape) for variable in _keras.own_variables(layer)]


def _copy_variables(old: Any, new: Any) -> None:
    if _shapes(old) != _shapes(new):
        raise ValueError(
            f"{old.name!r} ({type(old).__name__}) cannot be copied: its variables have the shapes {_shapes(old)}, "
            f"rebuilt from its configuration {_shapes(new)}. Have its get_config return all arguments that decide them."
        )
    for variable, copy in zip(_keras.own_variables(old), _keras.own_variables(new), strict=True):
        copy.assign(_array(variable))


def _is_special(layer: Any) -> bool:
    known = _is_from(type(layer), "keras") or _is_from(type(layer), "zoo")
    return not known or hasattr(layer, "finalize_state") or any(_has_own(layer, name) for name in _METHODS)


_METHODS = ("save_own_variables", "load_own_variables", "save_assets", "load_assets")


def _has_own(layer: Any, method: str) -> bool:
    """Whether a class of the user's own overrides a method of saving and loading."""
    definer = next((each for each in type(layer).__mro__ if method in vars(each)), None)
    return definer is not None and not _is_from(definer, "keras") and not _is_from(definer, "zoo")


def _is_from(kind: type, package: str) -> bool:
    return kind.__module__.split(".")[0] == package


def _copy_learnt(old: Any, new: Any) -> None:
    """What a layer itself says it holds: tables of words, variables and files of its own making."""
    if hasattr(old, "get_vocabulary") and _is_lookup(old):
        _copy_vocabulary(old, new)
    if _has_own(old, "save_own_variables") or _has_own(old, "load_own_variables"):
        store: dict[str, Any] = {}
        old.save_own_variables(store)
        new.load_own_variables({key: _array(value) for key, value in store.items()})
    if _has_own(old, "save_assets") or _has_own(old, "load_assets"):
        with tempfile.TemporaryDirectory(prefix="zoo-copy-") as folder:
            old.save_assets(folder)
            new.load_assets(folder)


def _is_lookup(layer: Any) -> bool:
    """`StringLookup` and `IntegerLookup`; a `TextVectorization` has one of them inside."""
    return isinstance(layer, (keras.layers.StringLookup, keras.layers.IntegerLookup))


def _copy_vocabulary(old: Any, new: Any) -> None:
    words = old.get_vocabulary()
    if len(words) == len(new.get_vocabulary(include_special_tokens=True)) == _special_tokens(old):
        return  # it has none yet
    weights = None
    if old.output_mode == "tf_idf":
        weights = keras.ops.convert_to_numpy(old.idf_weights)[: len(words)]
    new.set_vocabulary(words, weights)
    new.finalize_state()


def _special_tokens(layer: Any) -> int:
    return len(layer.get_vocabulary()) - len(layer.get_vocabulary(include_special_tokens=False))


def _copy_attributes(old: Any, new: Any) -> None:
    """Plain values that a layer keeps as attributes, such as the constants of an adapted `Normalization`."""
    if isinstance(old, keras.Sequential) or (isinstance(old, keras.Model) and hasattr(old, "operations")):
        return  # its attributes are its graph
    for name, value in vars(old).items():
        if name not in _base_attributes(isinstance(old, keras.Model)) and _is_plain(value):
            setattr(new, name, _copied(value))


@functools.cache
def _base_attributes(model: bool) -> frozenset[str]:
    """Attributes that every layer, or model, has: bookkeeping of Keras and, on torch, of the module."""
    return frozenset(vars(keras.Model(name="model") if model else keras.layers.Layer(name="layer")))


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(_is_plain(each) for each in value)
    if isinstance(value, dict):
        return all(_is_plain(each) for each in (*value.keys(), *value.values()))
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.ndarray, np.generic)):
        return True
    return keras.ops.is_tensor(value) and not isinstance(value, (keras.Variable, keras.KerasTensor))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if type(value) is tuple or isinstance(value, (list, set)):
        kind = tuple if isinstance(value, tuple) else set if isinstance(value, set) else list
        return kind(_copied(each) for each in value)
    return value.copy() if isinstance(value, np.ndarray) else value


def _array(value: Any) -> np.ndarray:
    """A copy: what two variables share on JAX is lost to both when one of them is given to a compiled step."""
    if isinstance(value, keras.Variable) or keras.ops.is_tensor(value):
        return np.array(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(value)))
    return np.array(value)
