"""What a model's layers hold beside plain weights: LoRA, quantization, and what is frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.hub import store

MODEL = "."
"""The name of the model itself in a list of what is frozen."""


def weights_sha256(model: keras.Model) -> str:
    """The hash of all weights of a model, in their order."""
    digest = hashlib.sha256()
    for weight in model.weights:  # through a tensor: what several TensorFlow devices mirror is no array by itself
        value = keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(weight))
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def plain_tensors(model: keras.Model) -> store.Tensors:
    """The weights of a model by path, as the network without LoRA has them.

        kernel + alpha / rank * A B

    Raises:
        ValueError: a quantized layer, or values that are not finite.
    """
    variables = store.keyed(model)
    for _, layer in _layers(model):
        mode = getattr(layer, "quantization_mode", None)
        if mode is not None:
            raise ValueError(
                f"the layer {layer.name!r} is quantized ({mode}), and such weights are not stored in zoo's folders: "
                "model.save('model.keras') keeps them, and zoo.load('./model.keras') reads that file"
            )
    merged = _merged(model)
    adapters = {id(adapter) for _, adapter in _adapters(model)}
    kept = {path: variable for path, variable in variables.items() if id(variable) not in adapters}
    return store.collect({path: merged.get(id(variable), variable) for path, variable in kept.items()})


def frozen(model: keras.Model, fresh: keras.Model) -> tuple[str, ...]:
    """What is frozen in a model: the paths of layers, and those of variables that are frozen on their own.

    Args:
        model: the model.
        fresh: the same network as it is built; it is frozen alike.
    """
    usual = {path for path, layer in _layers(fresh) if not layer.trainable}
    layers = [path for path, layer in _layers(model) if not layer.trainable and path not in usual]
    freeze(fresh, layers)
    merged = _merged(model)  # LoRA freezes the kernel, which is an ordinary one once merged
    now = store.keyed(model)
    single = [
        path
        for path, variable in store.keyed(fresh).items()
        if variable.trainable and not now[path].trainable and id(now[path]) not in merged
    ]
    freeze(fresh, [*layers, *single])
    return (*layers, *single)


def freeze(model: keras.Model, names: Iterable[str], *, head: bool = True) -> None:
    """Freeze what `frozen` found.

    Args:
        model: a model.
        names: paths of layers and variables.
        head: False where the head is a new one, which has to learn.
    """
    chosen = set(names)
    if not head:
        chosen = {name for name in chosen if name != MODEL and not store.is_head(name)}
    wanted = [(layer, layer.trainable and path not in chosen) for path, layer in _layers(model)] if chosen else []
    for layer, trainable in wanted:  # from the outside in: a flag goes down to the layers inside
        if layer.trainable != trainable:
            layer.trainable = trainable
    for path, variable in store.keyed(model).items():
        if path in chosen:
            variable.trainable = False


def _layers(model: keras.Model) -> Iterator[tuple[str, Any]]:
    """The model and every layer in it, each before those inside it, with their paths within the model."""
    yield MODEL, model
    for layer in model.layers:
        outside = store.outside(layer)
        for inner in (layer, *_keras.sublayers(layer)):
            yield (inner.path or f"{outside}{layer.name}/{inner.name}").removeprefix(outside), inner


def _adapters(model: keras.Model) -> Iterator[tuple[Any, Any]]:
    """Every layer with LoRA and each of its adapters' variables."""
    for _, layer in _layers(model):
        if getattr(layer, "lora_enabled", False):
            yield from ((layer, weight) for weight in layer.weights if weight.name.startswith("lora_"))


def adapted(model: keras.Model) -> list[Any]:
    """The variables that LoRA adds to, which do not learn themselves."""
    merged = _merged(model)
    return [weight for weight in model.weights if id(weight) in merged]


def _merged(model: keras.Model) -> dict[int, Any]:
    """The value with LoRA of each variable that has it, by the variable's identity."""
    found = {}
    for layer, adapter in _adapters(model):
        name = adapter.name.removeprefix("lora_").rpartition("_")[0]  # lora_kernel_a
        found.update({id(weight): getattr(layer, name) for weight in layer.weights if weight.name == name})
    return found
