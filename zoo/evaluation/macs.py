"""Counting the arithmetic of a model."""

from __future__ import annotations

import math

import keras

CONVENTION = "multiply-accumulates of convolutions, matrix products and generated kernels for one sample; "
CONVENTION += "norms, activations and pooling are not counted; one multiply-accumulate is two FLOPs"


def count_macs(model: keras.Model) -> int:
    """Number of multiply-accumulates of one sample's forward pass.

    Counted are `Conv2D`, `Dense` and the layers that have a method `macs(input_shape)`, as the convolutions of
    `zoo.layers` do; the count is that of the layer's definition, whatever shortcuts its implementation takes.

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
    return sum(_layer_macs(layer) for layer in model.layers)


def _layer_macs(layer: keras.layers.Layer) -> int:
    if not (hasattr(layer, "macs") or isinstance(layer, (keras.layers.Conv2D, keras.layers.Dense))):
        return 0
    shape, output = layer.input.shape, layer.output.shape
    if None in (*shape[1:], *output[1:]):
        raise ValueError(f"Expected known sizes to count with; layer {layer.name!r} maps {shape} to {output}.")
    if hasattr(layer, "macs"):
        return layer.macs(shape)
    return math.prod(output[1:-1]) * math.prod(layer.kernel.shape)
