"""Where the stages of a network end: their maps as a model, and freezing up to one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from zoo import _keras
from zoo._suggestions import did_you_mean, suggests
from zoo.hub import registry, state, store
from zoo.hub.model import ZooModel
from zoo.hub.origin import find_origin, origin_of
from zoo.math.values import is_whole
from zoo.models.preset import Stage

USUAL = r"stem|(stage|block|group|conv)_?\d+"
"""How the names of a stage's layers begin, where the family has no rule `STAGES` of its own."""

_BETWEEN = ("_pool", "_pad")
"""Layers between two stages, whatever stage they are named after: a stage ends with the map before them."""


@suggests
def features(model: keras.Model, stages: str | int | Sequence[str | int] | None = None) -> keras.Model:
    """The part of a model before its head, or the maps of its stages, on the same variables.

    Args:
        model: a model from `zoo.build` or `zoo.load`; with `stages` any functional model.
        stages: None for the tensor that feeds the head. `"all"` for the maps at the end of every stage; or names of
            stages or layers, or numbers of stages counted from 0, negative ones from the end; one, or a list of them.
            `zoo.hub.stages_of(model)` lists them with channels and strides.

    Returns:
        A functional model from the same input to the tensor that feeds the layer `head`; with `stages` to a dictionary
        of maps by name, of images (B, h, w, channels), from the input to the output.

    Raises:
        ValueError: the model is not one of zoo's, or there is no such stage (with the nearest name).

    Example:
        >>> import zoo
        >>> model = zoo.build("resnet32_cifar10")
        >>> zoo.features(model).output_shape
        (None, 64)
        >>> {name: tensor.shape[1:] for name, tensor in zoo.features(model, stages=["stem", -1]).output.items()}
        {'stem': (32, 32, 16), 'stage3': (8, 8, 64)}
    """
    if stages is not None:
        outputs = {name: tensor for name, tensor in _chosen(model, stages)}
        return keras.Model(model.input, outputs, name=f"{model.name}_stages")
    origin = origin_of(model)
    if not origin.config.include_head:
        return model
    head = model.get_layer(store.HEAD_LAYER)
    config = registry.replace_config(origin.config, include_head=False)
    return ZooModel(model.input, head.input, name=f"{model.name}_features", origin=replace(origin, config=config))


def stages_of(model: keras.Model) -> tuple[Stage, ...]:
    """Name, channels and stride of each stage of a network, from the input to the output.

    The stages are those of its layers' names; a stage's map is the last one that its layers give, before a pooling.
    `find_preset(name).stages` has the same of a registered model, without building it.

    Args:
        model: a functional model, of zoo or not; a copy, a fine-tuned or a pruned one as well.

    Returns:
        The stages; none where the names of layers tell of none.

    Example:
        >>> import zoo
        >>> stages_of(zoo.build("resnet32_cifar10"))[-1]
        Stage(name='stage3', channels=64, stride=4)
    """
    return tuple(Stage(name, tensor.shape[-1], stride) for name, (tensor, stride) in _ends(model).items())


@suggests
def freeze(model: keras.Model, until: str | None = "head") -> None:
    """Freezes the first part of a model; all that comes after it learns.

    A compiled model is compiled anew with its own arguments and a fresh optimizer, as Keras needs it. Frozen
    normalization uses the statistics that it has.

    Args:
        model: a functional model, changed in place.
        until: the last frozen stage or layer, by name: it, and everything that feeds it, is frozen. `"head"` for all
            but the head. None frees everything.

    Raises:
        ValueError: no stage or layer of that name; says which is nearest.

    Example:
        >>> import zoo
        >>> model = zoo.build("resnet32_cifar10")
        >>> zoo.freeze(model, until="stage2")
        >>> sorted({variable.path.split("_")[0].split("/")[0] for variable in model.trainable_variables})
        ['head', 'stage3']
    """
    frozen = _layers_until(model, until)
    bases = state.adapted(model)  # LoRA keeps these as they are
    if not model.trainable:
        model.trainable = True
    for layer in model.layers:
        if layer.trainable == (id(layer) in frozen):
            layer.trainable = id(layer) not in frozen
    for variable in bases:
        variable.trainable = False
    if model.compiled:
        _keras.compile_anew(model)


def head_of(model: keras.Model) -> Any:
    """The layer that gives the logits: `head`, else the last one, if it is dense.

    Raises:
        ValueError: the model has none.
    """
    origin = find_origin(model)
    found = next((layer for layer in model.layers if layer.name == store.HEAD_LAYER), None)
    if found is None and model.layers and isinstance(model.layers[-1], keras.layers.Dense):
        found = model.layers[-1]
    if found is None or (origin is not None and not origin.config.include_head):
        last = f"; its last layer is {type(model.layers[-1]).__name__}" if model.layers else ""
        raise ValueError(f"{model.name!r} has no head: expected a layer 'head', or Dense as the last one{last}.")
    return found


def _layers_until(model: keras.Model, until: str | None) -> set[int]:
    """The layers up to a stage or layer, by identity."""
    if until is None:
        return set()
    if until == store.HEAD_LAYER:
        head = head_of(model)
        return {id(layer) for layer in model.layers if layer is not head}
    ((_, end),) = _chosen(model, [until])
    needed, found = {id(end)}, set()
    for node in reversed(_keras.nodes(_functional(model))):
        if any(id(tensor) in needed for tensor in node.outputs):
            found.add(id(node.operation))
            needed |= {id(tensor) for tensor in node.inputs}
    return found


def _chosen(model: keras.Model, stages: Any) -> list[tuple[str, Any]]:
    ends = _ends(model)
    names = list(ends)
    if isinstance(stages, str) and stages == "all":
        stages = names
    wanted = [stages] if isinstance(stages, str) or is_whole(stages) else list(stages)
    if not wanted:
        raise ValueError(f"{model.name!r}: expected at least one stage; {_listed(names)}.")
    found: dict[str, Any] = {}
    for each in wanted:
        if is_whole(each) and -len(names) <= each < len(names):
            found[names[each]] = ends[names[each]][0]
        elif each in ends:
            found[each] = ends[each][0]
        elif each in (layers := {layer.name: layer for layer in model.layers}):
            found[str(each)] = layers[str(each)].output
        else:
            hint = did_you_mean(each, [*names, *layers])
            raise ValueError(f"{model.name!r} has no stage or layer {each!r}.{hint} {_listed(names)}.")
    order = {
        id(tensor): place for place, node in enumerate(_keras.nodes(_functional(model))) for tensor in node.outputs
    }
    return sorted(found.items(), key=lambda item: order[id(item[1])])


def _listed(names: list[str]) -> str:
    return f"Its stages are {', '.join(names)}" if names else "The names of its layers tell of no stages"


def _functional(model: keras.Model) -> keras.Model:
    found = _keras.functional_of(model)
    if found is None:
        raise ValueError(f"Expected a functional model; {getattr(model, 'name', model)!r} shows no layers in a graph.")
    return found


def _ends(model: keras.Model) -> dict[str, tuple[Any, int]]:
    """The last map of each stage and its stride, by the stage's name."""
    model = _functional(model)
    origin = find_origin(model)
    family = None if origin is None else registry.find_family(origin.family)
    rule = re.compile(f"({getattr(family, 'STAGES', USUAL)})(?=_|$)")
    batch, rank = model.inputs[0].shape[0], len(model.inputs[0].shape)
    strides: dict[int, int] = {}
    found: dict[str, tuple[Any, int]] = {}
    for node in _keras.nodes(model):
        stride = max((strides.get(id(tensor), 1) for tensor in node.inputs), default=1) * _stride(node.operation)
        strides |= {id(tensor): stride for tensor in node.outputs}
        name, output = node.operation.name, node.outputs[0]
        stage = rule.match(name)
        if stage and not name.endswith(_BETWEEN) and (output.shape[0], len(output.shape)) == (batch, rank):
            found[stage.group(1)] = (output, stride)
    return found


def _stride(operation: Any) -> int:
    """By how much a layer makes maps smaller: that of an ordinary layer, or the window of zoo's pooling."""
    strides = getattr(operation, "strides", getattr(operation, "pool_size", 1))
    return int(strides[0] if isinstance(strides, tuple | list) else strides)
