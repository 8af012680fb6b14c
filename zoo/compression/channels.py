"""Pruning of whole channels down to given numbers, for networks that are to be fast."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from zoo.compression.criteria import strengths
from zoo.compression.flow import masks_of
from zoo.compression.graph import Call, Graph, read_graph
from zoo.compression.removing import check_path, reachable_masks, remove_dead, set_masks
from zoo.math.values import check_whole


def prune_channels(model: keras.Model, keep: Mapping[str, int]) -> None:
    """Leaves of each named convolution's output channels the ones that matter most, in place, by masks.

    A channel matters as much as the strengths of the connections that leave it, `||s[j,:]||_2`, the term that a group
    penalty (`zoo.losses.StrengthSparsity(group=...)`) drives to 0; where a dense layer reads the channel, the norm of
    its weights stands for them. All connections from and to the other channels are pruned, and the model is closed, so
    that `compress(model, "compact")` gives layers with these numbers of channels.

    Args:
        model: a functional model with `SynapticConv2D` layers, in which each named layer feeds others through
            normalization, activation, pooling and the like alone: no sums and concatenations.
        keep: output channels by the name of the layer.

    Raises:
        ValueError: an unknown layer, a number that it cannot keep, a layer whose channels are an output of the model,
            or one behind which the network branches into sums or concatenations.

    Example:
        >>> import zoo
        >>> model = zoo.build("synaptic_vgg16_narrow_cifar10", widths=((8, 8), (16,)))
        >>> zoo.compression.prune_channels(model, {"stage1_conv1": 6, "stage1_conv2": 4})
        >>> zoo.compression.compress(model, "compact").get_layer("stage1_conv2").filters
        4
    """
    graph = read_graph(model)
    masks = masks_of(graph)
    scores = strengths(model)
    calls = {call.name: call for call in graph.calls}
    if not isinstance(keep, Mapping):
        raise ValueError(f"Expected keep to be numbers of channels by the name of the layer; got {keep!r}.")
    for name, count in keep.items():
        if name not in masks:
            raise ValueError(f"Expected layers with strengths, {sorted(masks)}; got {name!r}.")
        check_whole(f"keep[{name!r}]", count, 1, masks[name].shape[1])
        readers = _readers(graph, calls[name])
        stay = np.zeros(masks[name].shape[1], bool)
        stay[np.argsort(-_importance(readers, scores, masks), kind="stable")[:count]] = True
        masks[name] &= stay
        for reader in readers:
            if reader.name in masks:
                masks[reader.name] &= stay[:, None]
    closed, flow = reachable_masks(graph, masks)
    check_path(graph, flow, closed)
    set_masks(graph, closed)
    remove_dead(model)


def _readers(graph: Graph, call: Call) -> list[Call]:
    """The convolutions and dense layers that read a layer's channels."""
    if call.output in graph.outputs:
        raise ValueError(f"The channels of {call.name!r} are an output of the model: name hidden layers only.")
    found: list[Call] = []
    for reader in graph.after(call):
        if reader.kind in ("conv", "dense"):
            found.append(reader)
        elif reader.kind in ("norm", "pointwise", "pass", "pad") and reader.channels == call.channels:
            found += _readers(graph, reader)
        else:
            raise ValueError(
                f"The channels of {call.name!r} go into {reader.name!r}, where channels are tied together: name "
                "layers of a chain only, without sums and concatenations behind them."
            )
    return found


def _importance(readers: list[Call], scores: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray]) -> np.ndarray:
    total: np.ndarray | float = 0.0
    for reader in readers:
        if reader.name in scores:
            rows = scores[reader.name] * masks.get(reader.name, 1)
        else:
            rows = keras.ops.convert_to_numpy(reader.operation.kernel)
        total = total + np.square(rows).sum(axis=1)
    return np.asarray(total)
