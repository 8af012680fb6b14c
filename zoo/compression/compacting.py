"""Compaction: the same function on fewer channels, in stock layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.compression.flow import follow, kernel_of, kernels_of, pad_of
from zoo.compression.graph import Call, Graph, read_graph
from zoo.compression.linear import plain_config
from zoo.compression.rebuilding import own_classes, rebuild, renewed
from zoo.layers.protocol import has_strengths

Kept = dict[int, np.ndarray]
"""Of each tensor by number: the channels that stay, bool."""


def plain(model: keras.Model) -> keras.Model:
    """The same network with `Conv2D` in the place of `SynapticConv2D`; pruned kernel slices are 0."""
    graph = read_graph(model)
    return _rebuild(model, graph, {call.output: np.ones(call.channels, bool) for call in graph.calls})


def compact(model: keras.Model) -> keras.Model:
    """The same network without the channels that are 0 or that nobody reads."""
    graph = read_graph(model)
    return _rebuild(model, graph, kept_channels(graph))


def kept_channels(graph: Graph) -> Kept:
    """Which channels of each tensor must stay.

    Channels that a sum, a normalization or the like ties together stay or go together. A tensor that would lose all
    of its channels keeps one.
    """
    flow = follow(graph, kernels_of(graph), closed=False)
    ties = _Ties()
    labels: dict[int, np.ndarray] = {}
    for call in graph.calls:
        labels[call.output] = _labels(call, [labels[tensor] for tensor in call.inputs], ties)
    needed: set[int] = set()
    for call in graph.calls:
        # What is opaque, and what goes in and out of the network, keeps its size.
        tensors = [(call.output, call.kind in ("opaque", "input") or call.output in graph.outputs)]
        tensors += [(tensor, True) for tensor in call.inputs if call.kind == "opaque"]
        for tensor, whole in tensors:
            used = np.ones(len(labels[tensor]), bool) if whole else flow.read[tensor] & ~flow.dead[tensor]
            needed.update(ties.root(label) for label in labels[tensor][used])
    for call in graph.calls:
        if len(labels[call.output]) and not any(ties.root(label) in needed for label in labels[call.output]):
            needed.add(ties.root(labels[call.output][0]))
    return {tensor: np.array([ties.root(n) in needed for n in found], bool) for tensor, found in labels.items()}


class _Ties:
    """Numbers that are tied together: union and find."""

    def __init__(self) -> None:
        self._up: list[int] = []

    def new(self, count: int) -> np.ndarray:
        """Numbers that are not tied to any."""
        start = len(self._up)
        self._up.extend(range(start, start + count))
        return np.arange(start, start + count)

    def root(self, number: int) -> int:
        """The one number that stands for all that are tied to this one."""
        while self._up[number] != number:
            self._up[number] = self._up[self._up[number]]
            number = self._up[number]
        return int(number)

    def tie(self, one: np.ndarray, other: np.ndarray) -> None:
        """Ties two arrays of numbers, element by element."""
        for a, b in zip(one, other, strict=True):
            self._up[self.root(int(b))] = self.root(int(a))


def _labels(call: Call, ins: list[np.ndarray], ties: _Ties) -> np.ndarray:
    if call.kind in ("norm", "pointwise", "pass", "permute"):
        return ins[0]
    if call.kind == "depthwise":
        return np.repeat(ins[0], call.channels // len(ins[0]))
    if call.kind == "flatten":
        return np.tile(ins[0], call.channels // len(ins[0]))
    if call.kind == "concatenate":
        return np.concatenate(ins)
    if call.kind in ("add", "multiply"):
        for other in ins[1:]:
            ties.tie(ins[0], other)
        return ins[0]
    if call.kind == "pad":
        before, behind = pad_of(call)
        return np.concatenate([ties.new(before), ins[0], ties.new(behind)])
    return ties.new(call.channels)


def _rebuild(model: keras.Model, graph: Graph, kept: Kept) -> keras.Model:
    calls = {call.name: call for call in graph.calls if isinstance(call.operation, keras.layers.Layer)}
    values: dict[str, list[np.ndarray]] = {}

    def replace(layer: Any) -> Any:
        call = calls[layer.name]
        strong = has_strengths(layer)
        if not strong and all(kept[tensor].all() for tensor in (call.output, *call.inputs)):
            return None
        found = _sliced(call, kept)
        if found is not None:
            values[layer.name] = found
        sizes = _sizes(call, kept)
        if not strong:
            return renewed(layer, **sizes) if found is not None or sizes else None
        with own_classes(layer):
            return keras.layers.Conv2D(**plain_config(layer) | {"name": layer.name, "use_bias": layer.use_bias} | sizes)

    new = rebuild(model, replace)
    for name, found in values.items():
        new.get_layer(name).set_weights(found)
    return new


def _sizes(call: Call, kept: Kept) -> dict[str, Any]:
    """Arguments of a layer that follow from the number of its channels."""
    count = int(kept[call.output].sum())
    if call.kind == "conv":
        return {"filters": count}
    if call.kind == "dense":
        return {"units": count}
    if call.kind == "pad" and call.axis in (1, 2):
        before, behind = pad_of(call)
        sides = kept[call.output][:before].sum(), kept[call.output][len(kept[call.output]) - behind :].sum()
        padding = list(call.operation.padding)
        padding[call.axis - 1] = (int(sides[0]), int(sides[1]))
        return {"padding": tuple(padding)}
    if isinstance(call.operation, keras.layers.Reshape) and call.kind == "pass":
        return {"target_shape": (*call.operation.target_shape[:-1], count)}
    return {}


def _sliced(call: Call, kept: Kept) -> list[np.ndarray] | None:
    """Weights on the channels that stay; None of a layer that has none for each channel, or is not known."""
    layer, out = call.operation, kept[call.output]
    if call.kind == "norm":
        return [weight[out] for weight in layer.get_weights()]
    if call.kind not in ("conv", "dense", "depthwise") and not has_strengths(layer):
        return None
    kernel = kernel_of(layer) + 0.0  # no -0.0
    bias = [] if layer.bias is None else [keras.ops.convert_to_numpy(layer.bias)]
    if call.kind == "opaque":
        return [kernel, *bias]
    inputs = kept[call.inputs[0]]
    kernel = kernel[:, :, inputs] if call.kind == "depthwise" else kernel[..., inputs, :][..., out]
    return [kernel, *(values[out] for values in bias)]
