"""Folding: what inference needs of a trained network, in stock layers where there are such."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras

from zoo.compression.linear import Linear, affine_of, linear_of
from zoo.layers import GDropout

_DROPOUT = (keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.GaussianDropout, GDropout)


def fold(model: keras.Model) -> keras.Model:
    """The same function with fewer layers, for inference.

    A normalization that follows a convolution or dense layer is multiplied into it,

        gamma (W x + b - mean) / s + beta = (gamma / s) W x + gamma (b - mean) / s + beta,  s = sqrt(var + epsilon),

    a group convolution becomes the ordinary convolution that it is, with every turned copy of its filters, a log-polar
    one too (but for one of maxima), with its weights in all cells of their regions, and dropout goes. That is exact up
    to rounding, for the moving statistics are constants in inference. A layer that serves in more than one place, has
    an activation before the normalization, or makes its kernels from its input (`E4Conv2D`)
    stays as it is, and so does the normalization behind it.

    Args:
        model: a functional Keras model, one of zoo's or not.

    Returns:
        A new functional model with variables of its own; `model` is not changed. It is for inference: it has no
        statistics to train, and `zoo.save` refuses it.

    Raises:
        ValueError: not a functional model.

    Example:
        >>> import zoo
        >>> model = zoo.build("gcnn_mnistrot")
        >>> zoo.fold(model).count_params() > model.count_params()  # every turned copy of the filters is written out
        True

    Source: the identity above; Jacob et al., Quantization and Training of Neural Networks, CVPR 2018, section 3.2.
    """
    if not isinstance(model, keras.Model) or not hasattr(model, "operations"):
        raise ValueError(f"Expected a functional Keras model to fold; got {type(model).__name__}.")
    replaced, dropped = _plan(model)
    made = {name: linear.layers(name) for name, linear in replaced.items()}

    def call(layer: Any, *inputs: Any, **arguments: Any) -> Any:
        if layer.name in dropped:
            return inputs[0]
        if layer.name not in made:
            return layer(*inputs, **arguments)
        outputs = inputs[0]
        for part in made[layer.name]:
            outputs = part(outputs)
        return outputs

    uncompiled = keras.Model(model.input, model.output, name=model.name)
    folded = keras.models.clone_model(uncompiled, clone_function=_copy, call_function=call)
    for layer in folded.layers:
        if layer.name in replaced:
            replaced[layer.name].assign(layer)
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    if hasattr(model, "zoo_origin"):
        folded.zoo_origin = model.zoo_origin  # for its class names
    return folded


def _copy(operation: Any) -> Any:
    """A new layer; an operation that holds nothing may serve twice."""
    layer = isinstance(operation, keras.layers.Layer)
    return type(operation).from_config(operation.get_config()) if layer else operation


def _is_written_out(layer: keras.layers.Layer, linear: dict[str, Linear]) -> bool:
    """Whether a layer becomes one of another class: the ordinary convolution that it is."""
    return layer.name in linear and type(layer) is not linear[layer.name].make


def _plan(model: keras.Model) -> tuple[dict[str, Linear], set[str]]:
    """The layers that are written anew, by name, and the names of those that go."""
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    calls = Counter(node.operation.name for node in nodes)
    reads = {node.operation.name: [id(tensor) for tensor in node.arguments.keras_tensors] for node in nodes}
    makers = {id(tensor): node.operation.name for node in nodes for tensor in node.outputs}
    readers = Counter(id(tensor) for node in nodes for tensor in node.arguments.keras_tensors)
    readers.update(id(tensor) for tensor in model.outputs)
    once = [layer for layer in model.layers if calls[layer.name] == 1]
    dropped = {layer.name for layer in once if isinstance(layer, _DROPOUT)}
    linear = {layer.name: found for layer in once if (found := linear_of(layer)) is not None}
    replaced = {layer.name: linear[layer.name] for layer in once if _is_written_out(layer, linear)}
    for layer in once:
        affine = affine_of(layer)
        if affine is None or readers[reads[layer.name][0]] != 1:
            continue
        maker = makers[reads[layer.name][0]]
        if maker in linear:
            replaced[maker] = linear[maker].scaled(*affine)
            dropped.add(layer.name)
    return replaced, dropped
