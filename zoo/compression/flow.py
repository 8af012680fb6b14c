"""Which channels of a network carry nothing, and which are read by nobody.

A channel is dead if it is 0 everywhere for every input. Dead channels are found forwards, unread ones backwards. What
is not known counts as alive and read, so that nothing is removed by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from zoo.compression.graph import Call, Graph
from zoo.layers.protocol import has_strengths

Alive = Mapping[str, np.ndarray]
"""Of each convolution and dense layer by name: the connections that are there, bool (Cin, Cout)."""


@dataclass
class Flow:
    """The result of both passes.

    Attributes:
        dead: of each tensor by number, bool a channel.
        read: of each tensor by number, bool a channel.
    """

    dead: dict[int, np.ndarray] = field(default_factory=dict)
    read: dict[int, np.ndarray] = field(default_factory=dict)


def masks_of(graph: Graph) -> dict[str, np.ndarray]:
    """The masks of the layers with strengths, bool (Cin, Cout), by name."""
    calls = (call for call in graph.calls if call.kind == "conv" and has_strengths(call.operation))
    return {call.name: keras.ops.convert_to_numpy(call.operation.mask) > 0 for call in calls}


def kernels_of(graph: Graph) -> dict[str, np.ndarray]:
    """Connections of all linear layers whose kernel is not 0, bool (Cin, Cout); depthwise: (channels, multiplier)."""
    found = {}
    for call in graph.calls:
        if call.kind in ("conv", "dense", "depthwise"):
            kernel = kernel_of(call.operation)
            found[call.name] = np.any(kernel != 0, axis=tuple(range(kernel.ndim - 2)))
    return found


def kernel_of(layer: Any) -> np.ndarray:
    """The kernel of a linear layer; pruned slices are 0."""
    return layer.plain_kernel() if has_strengths(layer) else keras.ops.convert_to_numpy(layer.kernel)


def follow(graph: Graph, alive: Alive, *, closed: bool) -> Flow:
    """Finds dead and unread channels.

    Args:
        graph: the network.
        alive: connections that are there; layers not named have all of theirs.
        closed: take channels without connections for 0, as they are once `remove_dead` has removed their constants:
            where it may, see `shown`. Else a channel is dead only if the constants that it has now add up to 0.

    Returns:
        Dead and read channels of every tensor.
    """
    flow = Flow()
    outside = shown(graph)
    for call in graph.calls:
        zeroed = closed & ~outside[call.output]
        dead = _forward(call, [flow.dead[tensor] for tensor in call.inputs], alive, zeroed)
        flow.dead[call.output] = dead
        flow.read[call.output] = np.full(call.channels, call.output in graph.outputs or _mixes(call))
    for call in reversed(graph.calls):
        for tensor, read in zip(call.inputs, _backward(call, flow, alive), strict=True):
            flow.read[tensor] = flow.read[tensor] | read
    return flow


def shown(graph: Graph) -> dict[int, np.ndarray]:
    """Which channels reach an output of the model, or a layer that is not known, as channels of their own.

    Their constants are not to be touched: the bias of a class is part of the answer, and what an unknown layer or a
    model within the model makes of a constant nobody knows. A convolution or dense layer on the way mixes channels.

    Args:
        graph: the network.

    Returns:
        Of each tensor by number, bool a channel.
    """
    found = {call.output: np.full(call.channels, call.output in graph.outputs) for call in graph.calls}
    for call in reversed(graph.calls):
        if _mixes(call):
            found[call.output][:] = found[call.output].any()
        if call.kind not in ("conv", "dense"):
            counts = [len(found[tensor]) for tensor in call.inputs]
            for tensor, part in zip(call.inputs, _parts(call, found[call.output], counts), strict=True):
                found[tensor] = found[tensor] | part
    return found


def constants(graph: Graph, flow: Flow, alive: Alive) -> dict[int, np.ndarray]:
    """Which channels are the same for every input: dead ones, and what biases and layers not known make of those.

    Args:
        graph: the network.
        flow: its dead channels.
        alive: connections that are there; layers not named have all of theirs.

    Returns:
        Of each tensor by number, bool a channel. What an unknown layer makes of a single varying channel varies.
    """
    found: dict[int, np.ndarray] = {}
    for call in graph.calls:
        ins = [found[tensor] for tensor in call.inputs]
        if call.kind in ("conv", "dense", "depthwise"):
            fed = alive_of(call, alive, len(ins[0])) & ~ins[0][:, None]
            constant = ~fed.reshape(-1) if call.kind == "depthwise" else ~fed.any(axis=0)
        elif call.kind == "multiply":
            constant = np.logical_and.reduce(ins)
        elif call.kind in ("norm", "pointwise"):
            constant = ins[0]
        elif call.kind in ("input", "opaque"):
            constant = np.full(call.channels, call.kind == "opaque" and all(is_all(each) for each in ins))
        else:
            constant = _forward(call, ins, alive, closed=True)
        found[call.output] = constant | flow.dead[call.output]
    return found


def is_all(channels: np.ndarray) -> bool:
    """Whether all of the channels are; not where their number is not known."""
    return channels.size > 0 and bool(channels.all())


def alive_of(call: Call, alive: Alive, inputs: int) -> np.ndarray:
    """The connections of a linear layer that are there."""
    outputs = call.channels // inputs if call.kind == "depthwise" else call.channels
    return alive.get(call.name, np.ones((inputs, outputs), bool))


def pad_of(call: Call) -> tuple[int, int]:
    """Zero channels that a padding puts before and behind; (0, 0) where it pads the image."""
    return call.operation.padding[call.axis - 1] if call.axis in (1, 2) else (0, 0)


def _forward(call: Call, ins: list[np.ndarray], alive: Alive, closed: bool | np.ndarray) -> np.ndarray:
    rules: dict[str, Callable[[], np.ndarray]] = {
        "conv": lambda: _linear(call, ins[0], alive, closed),
        "dense": lambda: _linear(call, ins[0], alive, closed),
        "depthwise": lambda: _linear(call, ins[0], alive, closed),
        "norm": lambda: ins[0] & (closed | (_offsets(call.operation) == 0)),
        "pointwise": lambda: ins[0] & call.keeps_zero,
        "pass": lambda: ins[0],
        "permute": lambda: ins[0],
        "pad": lambda: np.pad(ins[0], pad_of(call), constant_values=True),
        "flatten": lambda: np.tile(ins[0], call.channels // len(ins[0])),
        "add": lambda: np.logical_and.reduce(ins),
        "multiply": lambda: np.logical_or.reduce(ins),
        "concatenate": lambda: np.concatenate(ins),
    }
    return rules[call.kind]() if call.kind in rules else np.zeros(call.channels, bool)


def _mixes(call: Call) -> bool:
    return call.kind in ("conv", "dense", "depthwise", "pointwise") and call.mixes


def _linear(call: Call, dead: np.ndarray, alive: Alive, closed: bool | np.ndarray) -> np.ndarray:
    layer = call.operation
    fed = alive_of(call, alive, len(dead)) & ~dead[:, None]
    out = ~fed.reshape(-1) if call.kind == "depthwise" else ~fed.any(axis=0)
    if getattr(layer, "bias", None) is not None:
        zeroed = closed if call.kind != "dense" else False  # the constants of dense layers stay
        out = out & (zeroed | (keras.ops.convert_to_numpy(layer.bias) == 0))
    return out & call.keeps_zero


def _offsets(layer: Any) -> np.ndarray:
    """What a normalization makes of 0 in inference, a channel."""
    values = {name: keras.ops.convert_to_numpy(getattr(layer, name)) for name in ("moving_mean", "moving_variance")}
    gamma = keras.ops.convert_to_numpy(layer.gamma) if layer.scale else 1.0
    beta = keras.ops.convert_to_numpy(layer.beta) if layer.center else 0.0
    return beta - gamma * values["moving_mean"] / np.sqrt(values["moving_variance"] + layer.epsilon)


def _backward(call: Call, flow: Flow, alive: Alive) -> list[np.ndarray]:
    read, counts = flow.read[call.output], [len(flow.dead[tensor]) for tensor in call.inputs]
    if call.kind in ("conv", "dense"):
        return [(alive_of(call, alive, counts[0]) & read).any(axis=1)]
    if call.kind == "depthwise":
        return [(alive_of(call, alive, counts[0]) & read.reshape(counts[0], -1)).any(axis=1)]
    return _parts(call, read, counts)


def _parts(call: Call, out: np.ndarray, counts: list[int]) -> list[np.ndarray]:
    """Of each input, with its number of channels: those that these channels of the output are made of."""
    if call.kind in ("norm", "pointwise", "pass", "permute"):
        return [out]
    if call.kind == "depthwise":
        return [np.asarray(out.reshape(counts[0], -1).any(axis=1))]
    if call.kind == "pad":
        first, _ = pad_of(call)
        return [out[first : first + counts[0]]]
    if call.kind == "flatten":
        return [np.asarray(out.reshape(-1, counts[0]).any(axis=0))]
    if call.kind in ("add", "multiply"):
        return [out] * len(counts)
    if call.kind == "concatenate":
        return np.split(out, np.cumsum(counts)[:-1])
    return [np.ones(count, bool) for count in counts]
