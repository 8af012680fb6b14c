"""Closure: what a pruned network can do without, because nothing comes in or nobody reads it."""

from __future__ import annotations

import keras
import numpy as np

from zoo.compression.flow import Flow, constants, follow, is_all, masks_of
from zoo.compression.graph import Graph, read_graph


def reachable_masks(graph: Graph, masks: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], Flow]:
    """Takes connections away until nothing changes: from dead channels, and into channels that nobody reads.

    Args:
        graph: the network.
        masks: of the layers with strengths, bool (Cin, Cout).

    Returns:
        The masks of what is left, and dead and read channels under them.
    """
    layers = [call for call in graph.calls if call.name in masks]
    while True:
        flow = follow(graph, masks, closed=True)
        closed = {
            call.name: masks[call.name] & ~flow.dead[call.inputs[0]][:, None] & flow.read[call.output]
            for call in layers
        }
        if all(np.array_equal(closed[name], masks[name]) for name in masks):
            return closed, flow
        masks = closed


def remove_dead(model: keras.Model) -> int:
    """Removes connections of a pruned network that lead nowhere, in place.

    An output channel that nobody reads loses its incoming connections; an input channel that nothing reaches loses its
    outgoing ones. Sums keep a channel that one of their branches has, concatenations shift it. A channel without
    connections would still put out a constant, which zero padding makes different at the borders: its bias, and the
    offset and mean of its normalization, become 0. The outputs may change by those constants, so do it before
    fine-tuning; afterwards `compress(model, "compact")` is exact. A channel that reaches an output of the model as
    itself, through normalization, activation, pooling, reshaping, sums and the like, keeps its constant: it is no
    hidden one. So does one that reaches a layer that is not known, a model within the model for example.

    Args:
        model: a functional model with `SynapticConv2D` layers.

    Returns:
        The number of connections removed.

    Raises:
        ValueError: not a functional model, or no path from input to output is left.

    Example:
        >>> import zoo
        >>> zoo.compression.remove_dead(zoo.build("synaptic_resnet20_cifar10"))  # nothing is pruned yet
        0
    """
    graph = read_graph(model)
    masks = masks_of(graph)
    closed, flow = reachable_masks(graph, masks)
    check_path(graph, flow, closed)
    set_masks(graph, closed)
    _remove_constants(graph, flow)
    return sum(int(masks[name].sum() - closed[name].sum()) for name in masks)


def check_path(graph: Graph, flow: Flow, masks: dict[str, np.ndarray]) -> None:
    """Raises ValueError where no output of the network depends on its input any more."""
    constant = constants(graph, flow, masks)
    if all(is_all(constant[output]) for output in graph.outputs):
        raise ValueError(
            "These masks cut every path from the input to the output. Prune less, per layer (scope='layer'), with a "
            "higher min_keep, or with normalize='layer_max'."
        )


def set_masks(graph: Graph, masks: dict[str, np.ndarray]) -> None:
    """Gives layers their masks and makes everything that belongs to a pruned connection exactly 0."""
    for call in graph.calls:
        if call.name in masks:
            call.operation.set_mask(masks[call.name])


def _remove_constants(graph: Graph, flow: Flow) -> None:
    for call in graph.calls:
        dead = flow.dead[call.output]
        if call.kind not in ("norm", "conv", "depthwise") or not dead.any():
            continue
        names = ("beta", "moving_mean") if call.kind == "norm" else ("bias",)
        for name in names:
            variable = getattr(call.operation, name, None)
            if variable is not None:
                variable.assign(np.where(dead, 0.0, keras.ops.convert_to_numpy(variable)))
