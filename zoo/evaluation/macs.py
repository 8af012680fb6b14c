"""Counting the arithmetic of a model."""

from __future__ import annotations

import math
from typing import Any

import keras

CONVENTION = "multiply-accumulates of convolutions, matrix products and generated kernels for one sample; "
CONVENTION += "norms, activations and pooling are not counted; one multiply-accumulate is two FLOPs"


def count_macs(model: keras.Model) -> int:
    """Number of multiply-accumulates of one sample's forward pass.

    Counted are `Conv1D`, `Conv2D`, `DepthwiseConv2D`, `Dense` and the layers that have a method `macs(input_shape)`, as
    the convolutions of `zoo.layers` do, in every place that they serve in; the count is that of the layer's definition,
    whatever shortcuts its implementation takes.

    Args:
        model: a functional model of known input size.

    Returns:
        The count.

    Raises:
        ValueError: a spatial size is unknown.

    Example:
        >>> import zoo
        >>> zoo.evaluation.count_macs(zoo.build("e4net_mnistrot"))
        17640160
    """
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    return sum(_node_macs(node) for node in nodes)


def _node_macs(node: Any) -> int:
    """Arithmetic of one call of a layer; one that serves in several places counts in each."""
    layer = node.operation
    stock = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
    if not (hasattr(layer, "macs") or isinstance(layer, stock)):
        return 0
    shape, output = node.arguments.keras_tensors[0].shape, node.outputs[0].shape
    if None in (*shape[1:], *output[1:]):
        raise ValueError(f"Expected known sizes to count with; layer {layer.name!r} maps {shape} to {output}.")
    if hasattr(layer, "macs"):
        return layer.macs(shape)
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return math.prod(output[1:]) * math.prod(layer.kernel_size)
    return math.prod(output[1:-1]) * math.prod(layer.kernel.shape)
