"""Counting the arithmetic of a model."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import keras

from zoo import _keras
from zoo.evaluation import macs_rules

CONVENTION = (
    "multiply-accumulates of convolutions, matrix products and generated kernels for one sample; "
    "norms, activations and pooling are not counted; one multiply-accumulate is two FLOPs"
)
"""What the numbers of `count_macs` count, as cards say it."""


def count_macs(model: keras.Model) -> int:
    """Number of multiply-accumulates of one sample's forward pass.

    Counted are Keras' convolutions (plain, depthwise, separable, transposed; 1D to 3D), dense and einsum layers,
    attention, recurrent layers and their wrappers, matrix products of `keras.ops`, and layers that have a method
    `macs(input_shape)`, as the convolutions of `zoo.layers` do; in every place that they serve in, and in models within
    the model. The count is that of the layer's definition, whatever shortcuts its implementation takes: masks and
    causality save nothing, a transposed convolution multiplies every input with its whole kernel, zeros of padding
    count. Biases, norms, activations, pooling, sums, element-wise products, embeddings (they look up) and preprocessing
    do not.

    A warning names layers with arithmetic that is not known, such as layers of one's own without `macs`.

    Args:
        model: a functional or `Sequential` model of known input size.

    Returns:
        The count.

    Raises:
        ValueError: no such model, or a size is unknown.

    Example:
        >>> import zoo
        >>> zoo.evaluation.count_macs(zoo.build("e4net_mnistrot"))
        17640160
    """
    graph = _keras.functional_of(model)
    if graph is None:
        raise ValueError(
            f"Expected a functional or a built Sequential model to count in; got {type(model).__name__}, which shows "
            "no graph."
        )
    unknown: dict[str, str] = {}
    total = _graph_macs(graph, list(graph.inputs), unknown)
    if unknown:
        names = ", ".join(f"{name} ({kind})" for name, kind in unknown.items())
        warnings.warn(
            f"count_macs does not know the arithmetic of these and counted nothing for them: {names}. A layer of your "
            "own is counted with a method macs(input_shape).",
            stacklevel=2,
        )
    return total


def _graph_macs(graph: keras.Model, inputs: list[Any], unknown: dict[str, str]) -> int:
    """The arithmetic of a functional model, called on tensors of these shapes."""
    known = {id(old): new for old, new in zip(graph.inputs, inputs, strict=True)}

    def current(value: Any) -> Any:
        return known.get(id(value), value)

    as_built = all(tuple(old.shape) == tuple(new.shape) for old, new in zip(graph.inputs, inputs, strict=True))
    total = 0
    for node in _keras.nodes(graph):
        if not node.inputs:
            continue
        args, kwargs = node.args, node.kwargs
        if not as_built:
            args, kwargs = (keras.tree.map_structure(current, part) for part in (args, kwargs))
            outputs = keras.tree.flatten(node.operation.compute_output_spec(*args, **kwargs))
            known.update((id(old), new) for old, new in zip(node.outputs, outputs, strict=True))
        else:
            outputs = node.outputs
        total += _call_macs(node.operation, args, kwargs, outputs, unknown)
    return total


def _call_macs(
    layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: list[Any], unknown: dict[str, str]
) -> int:
    """The arithmetic of one call of a layer, a model or an operation."""
    inner = layer if type(layer) is keras.Function else _keras.functional_of(layer)
    tensors = [x for x in keras.tree.flatten((args, kwargs)) if isinstance(x, keras.KerasTensor)]
    if inner is not None:
        return _graph_macs(inner, tensors[: len(inner.inputs)], unknown)
    if type(layer) is keras.layers.TimeDistributed:
        shape = macs_rules.known(layer, tensors[0].shape)
        return shape[0] * _layer_macs(layer.layer, (None, *shape[1:]), tensors[0].dtype, unknown)
    if type(layer) is keras.layers.Bidirectional:
        both = (layer.forward_layer, layer.backward_layer)
        return sum(_layer_macs(each, tensors[0].shape, tensors[0].dtype, unknown) for each in both)
    if type(layer) is keras.layers.SpectralNormalization:
        return _layer_macs(layer.layer, tensors[0].shape, tensors[0].dtype, unknown)
    rule = macs_rules.rule_of(layer)
    if rule is None:
        if not macs_rules.is_free(layer):
            unknown[layer.name] = type(layer).__name__
        return 0
    bound = inspect.signature(layer.call).bind(*args, **kwargs).arguments
    shapes = {name: _shapes(value) for name, value in bound.items()}
    return rule(layer, shapes, tuple(outputs[0].shape))


def _layer_macs(layer: Any, shape: tuple[Any, ...], dtype: Any, unknown: dict[str, str]) -> int:
    """The arithmetic of a layer inside another one, called on one tensor."""
    tensor = keras.KerasTensor(shape, dtype)
    outputs = keras.tree.flatten(layer.compute_output_spec(tensor))
    return _call_macs(layer, (tensor,), {}, outputs, unknown)


def _shapes(value: Any) -> Any:
    """The shapes of symbolic tensors; a list of them where several go in as one argument."""
    if isinstance(value, keras.KerasTensor):
        return tuple(value.shape)
    if isinstance(value, (list, tuple)):
        return [_shapes(each) for each in value]
    return tuple(value.shape) if hasattr(value, "shape") else value
