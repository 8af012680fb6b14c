"""What says how much a connection matters: strength, norm of the kernel, scale of the normalization, or chance."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from zoo.compression.graph import Call, Graph, read_graph
from zoo.layers.protocol import has_strengths

CRITERIA = ("strength", "kernel_norm", "bn_scale", "random")
NORMS: dict[str, Any] = {
    "l2": lambda kernel: np.sqrt(np.square(kernel).sum((0, 1))),
    "l1": lambda kernel: np.abs(kernel).sum((0, 1)),
    "linf": lambda kernel: np.abs(kernel).max((0, 1)),
}


def strengths(
    model: keras.Model, criterion: str = "strength", *, norm: str = "l2", seed: int = 0
) -> dict[str, np.ndarray]:
    """Scores of all connections of a model.

        "strength"      |g[j]| ||K[:,:,j,i]||, the measured form: g is the scale of the normalization that makes input
                        channel j, or 1 where there is none (in a layer with strengths this is |s[j,i]|)
        "kernel_norm"   ||K[:,:,j,i]||
        "bn_scale"      |g[j]|, which is network slimming; layers whose input has no such scale are left out
        "random"        uniform numbers

    Args:
        model: a functional model with `Conv2D` or `SynapticConv2D` layers.
        criterion: one of the four.
        norm: of the kernel slices: `"l2"`, `"l1"` or `"linf"`.
        seed: of `"random"`.

    Returns:
        Arrays (Cin, Cout) by the name of the layer, in the order of the calls. Grouped and depthwise convolutions and
        layers that serve in several places are left out.

    Raises:
        ValueError: unknown criterion or norm, or not a functional model.

    Example:
        >>> import zoo
        >>> scores = zoo.compression.strengths(zoo.build("synaptic_resnet20_cifar10"))
        >>> len(scores), scores["stem"].shape
        (19, (3, 16))
    """
    if criterion not in CRITERIA:
        raise ValueError(f"Expected criterion to be one of {CRITERIA}; got {criterion!r}.")
    if norm not in NORMS:
        raise ValueError(f"Expected norm to be one of {tuple(NORMS)}; got {norm!r}.")
    graph, rng = read_graph(model), np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    for call in graph.calls:
        if call.kind != "conv":
            continue
        slices = _slice_norms(call.operation, norm)
        scale = _input_scale(graph, call)
        if criterion == "random":
            found[call.name] = rng.uniform(size=slices.shape)
        elif criterion == "kernel_norm":
            found[call.name] = slices
        elif criterion == "strength":
            found[call.name] = slices if scale is None else np.abs(scale)[:, None] * slices
        elif scale is not None:
            found[call.name] = np.repeat(np.abs(scale)[:, None], slices.shape[1], axis=1)
    return found


def first_layers(graph: Graph) -> set[str]:
    """Names of the convolutions that no other one stands before."""
    behind: dict[int, bool] = {}
    first = set()
    for call in graph.calls:
        after = any(behind[tensor] for tensor in call.inputs)
        if call.kind == "conv" and not after:
            first.add(call.name)
        behind[call.output] = after or call.kind == "conv" or _has_kernel(call.operation)
    return first


def _has_kernel(operation: Any) -> bool:
    """Whether it is a convolution or the like, also a special or shared one, or a model that has one."""
    return any(len(weight.shape) >= 3 for weight in getattr(operation, "weights", ()))


def _slice_norms(layer: Any, norm: str) -> np.ndarray:
    if norm == "l2" and has_strengths(layer):
        return layer.plain_strengths()
    return NORMS[norm](_unmasked(layer))


def _unmasked(layer: Any) -> np.ndarray:
    """The kernel with all of its connections, in double precision."""
    if has_strengths(layer):
        return layer.plain_kernel(masked=False)
    return np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float64)


def _input_scale(graph: Graph, call: Call) -> np.ndarray | None:
    """The scales of the normalization that makes the input, found through what leaves scales what they are."""
    before = graph.before(call)[0]
    while before.kind in ("pointwise", "pass", "pad") and before.inputs:
        if before.kind == "pointwise" and not before.keeps_zero:
            return None
        if before.kind == "pad" and before.axis in (1, 2):
            return None
        before = graph.before(before)[0]
    if before.kind == "concatenate":
        parts = [_scale_behind(graph, part) for part in graph.before(before)]
        known = [part for part in parts if part is not None]
        return np.concatenate(known) if len(known) == len(parts) else None
    return _scale_of(before)


def _scale_behind(graph: Graph, call: Call) -> np.ndarray | None:
    while call.kind in ("pointwise", "pass") and call.inputs:
        call = graph.before(call)[0]
    return _scale_of(call)


def _scale_of(call: Call) -> np.ndarray | None:
    layer = call.operation
    if call.kind != "norm" or not layer.scale:
        return None
    return np.asarray(keras.ops.convert_to_numpy(layer.gamma), np.float64)
