"""Folding: what inference needs of a trained network, in stock layers where there are such."""

from __future__ import annotations

from collections import Counter
from typing import Any

import keras

from zoo.compression.graph import check_functional
from zoo.compression.linear import Linear, affine_of, linear_of
from zoo.compression.shared_basis import MODES, Set, SharedLinear, Values, shared_linear_of
from zoo.layers import GDropout, SharedBasisConv2D, SharedFilterBasis, SynapticConv2D

_DROPOUT = (keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.GaussianDropout, GDropout)


def fold(model: keras.Model, *, mode: str = "auto") -> keras.Model:
    """The same function with fewer layers, for inference.

    A normalization that follows a convolution or dense layer is multiplied into it,

        gamma (W x + b - mean) / s + beta = (gamma / s) W x + gamma (b - mean) / s + beta,  s = sqrt(var + epsilon),

    a group convolution becomes the ordinary convolution that it is, with every turned copy of its filters, a log-polar
    one too (but for one of maxima), with its weights in all cells of their regions, layers with shared filters become
    stock ones (see `mode`), and dropout goes. That is exact up to rounding, for the moving statistics are constants in
    inference. A layer that serves in more than one place, has an activation before the normalization, or makes its
    kernels from its input (`E4Conv2D`) stays as it is, and so does the normalization behind it.

    Args:
        model: a functional Keras model, one of zoo's or not.
        mode: what becomes of a `SharedBasisConv2D`: `"bn"`: the normalizations go into its coefficients; the shared
            filters become one convolution that is called in several places, and the file stays as small. `"kernel"`:
            it becomes one plain convolution, as large as that of a network without sharing. `"auto"`: whichever has
            fewer multiply-accumulates. A layer without coefficients has the same number in both and keeps sharing.

    Returns:
        A new functional model with variables of its own; `model` is not changed. It is for inference: it has no
        statistics to train, and `zoo.save` refuses it.

    Raises:
        ValueError: not a functional model, or another mode.

    Example:
        >>> import zoo
        >>> model = zoo.build("gcnn_mnistrot")
        >>> zoo.fold(model).count_params() > model.count_params()  # every turned copy of the filters is written out
        True

    Source: the identity above; Jacob et al., Quantization and Training of Neural Networks, CVPR 2018, section 3.2.
    """
    check_functional(model)
    if mode not in MODES:
        raise ValueError(f"Expected mode to be one of {MODES}; got {mode!r}.")
    replaced, dropped = _plan(model, mode)
    values: Values = {}
    sets: dict[Set, keras.layers.Conv2D] = {}

    def call(layer: Any, *inputs: Any, **arguments: Any) -> Any:
        if layer.name in dropped:
            return inputs[0]
        new = replaced.get(layer.name)
        if new is None:
            return layer(*inputs, **arguments)
        return new.connect(layer.name, inputs[0], values, *([sets] if isinstance(new, SharedLinear) else []))

    uncompiled = keras.Model(model.input, model.output, name=model.name)
    folded = keras.models.clone_model(uncompiled, clone_function=_copy, call_function=call)
    for layer in folded.layers:
        if layer.name in values:
            layer.set_weights(values[layer.name])
        elif layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    if hasattr(model, "zoo_origin"):
        folded.zoo_origin = model.zoo_origin  # for its class names
    return folded


def _copy(operation: Any) -> Any:
    """A new layer; an operation that holds nothing may serve twice."""
    layer = isinstance(operation, keras.layers.Layer)
    return type(operation).from_config(operation.get_config()) if layer else operation


def _plan(model: keras.Model, mode: str) -> tuple[dict[str, Linear | SharedLinear], set[str]]:
    """The layers that are written anew, by name, and the names of those that go."""
    nodes = [node for level in model._nodes_by_depth.values() for node in level]
    calls = Counter(node.operation.name for node in nodes)
    reads = {node.operation.name: [id(tensor) for tensor in node.arguments.keras_tensors] for node in nodes}
    makers = {id(tensor): (node.operation, index) for node in nodes for index, tensor in enumerate(node.outputs)}
    readers = Counter(id(tensor) for node in nodes for tensor in node.arguments.keras_tensors)
    readers.update(id(tensor) for tensor in model.outputs)
    once = [layer for layer in model.layers if calls[layer.name] == 1]
    dropped = {layer.name for layer in once if isinstance(layer, _DROPOUT)}
    linear: dict[str, Linear | SharedLinear] = {}
    for layer in once:
        bases = [makers[tensor] for tensor in reads[layer.name][1:]]
        found = _shared(layer, bases, mode) if isinstance(layer, SharedBasisConv2D) else linear_of(layer)
        if found is not None:
            linear[layer.name] = found
    replaced = {name: found for name, found in linear.items() if _is_ours(model.get_layer(name))}
    for layer in once:
        affine = affine_of(layer)
        if affine is None or readers[reads[layer.name][0]] != 1:
            continue
        maker = makers[reads[layer.name][0]][0].name
        if maker in linear and linear[maker].takes_norm:
            replaced[maker] = linear[maker].scaled(*affine)
            dropped.add(layer.name)
    return replaced, dropped


def _is_ours(layer: Any) -> bool:
    """Whether stock layers take the place of a linear layer even where no normalization follows."""
    return hasattr(layer, "plain_convolution") or isinstance(layer, SharedBasisConv2D | SynapticConv2D)


def _shared(layer: SharedBasisConv2D, bases: list[tuple[Any, int]], mode: str) -> SharedLinear | None:
    """The layer with its basis; None where the basis does not come from a layer."""
    if not layer.shared:  # what it is given then only enters its penalty
        return shared_linear_of(layer, None, None, mode)
    maker, index = bases[0]
    if not isinstance(maker, SharedFilterBasis):
        return None
    return shared_linear_of(layer, (maker.name, index), maker.sets()[index], mode)
