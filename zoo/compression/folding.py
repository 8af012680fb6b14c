"""Folding: what inference needs of a trained network, in stock layers where there are such."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import keras

from zoo import _keras, hub
from zoo._copying import copy_flags
from zoo._suggestions import suggests
from zoo.compression.graph import about_inner_models, check_functional, is_inference
from zoo.compression.linear import Linear, affine_of, linear_of
from zoo.compression.rebuilding import own_classes, rebuild
from zoo.compression.shared_basis import MODES, Set, SharedLinear, Values, shared_linear_of
from zoo.layers.protocol import has_strengths, offers

_L = keras.layers
_DROPOUT = (
    *(_L.Dropout, _L.SpatialDropout1D, _L.SpatialDropout2D, _L.SpatialDropout3D),
    *(_L.GaussianDropout, _L.GaussianNoise, _L.AlphaDropout),
)


@suggests
def fold(model: keras.Model, *, mode: str = "auto") -> keras.Model:
    """The same function with fewer layers, for inference.

    A normalization that follows a convolution or dense layer is multiplied into it,

        gamma (W x + b - mean) / s + beta = (gamma / s) W x + gamma (b - mean) / s + beta,  s = sqrt(var + epsilon),

    a group convolution becomes the ordinary convolution that it is, with every turned copy of its filters, a log-polar
    one too (but for one of maxima), with its weights in all cells of their regions, layers with shared filters become
    stock ones (see `mode`), and dropout goes. That is exact up to rounding, for the moving statistics are constants in
    inference. All else stays as it is, with everything that it holds: layers that serve in more than one place, have an
    activation before the normalization or another precision than it, or make their kernels from their input
    (`E4Conv2D`); what is called with `training=True`; models within the model; and every layer of another class, such
    as a subclass of a dropout.

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

    Warns:
        UserWarning: models within the model have convolutions, and stay as they are.

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
    if inner := about_inner_models(model, "fold"):
        warnings.warn(f"They stay as they are: {inner}", stacklevel=3)
    replaced, dropped = _plan(model, mode)
    values: Values = {}
    sets: dict[Set, keras.layers.Conv2D] = {}

    def replace(layer: Any) -> Any:
        if layer.name in dropped:
            return lambda x, **_: x
        new = replaced.get(layer.name)
        if new is None:
            return None
        shared = [sets] if isinstance(new, SharedLinear) else []

        def connect(x: Any, *_: Any, **__: Any) -> Any:
            with own_classes(layer):
                return new.connect(layer.name, x, values, *shared)

        return connect

    folded = rebuild(model, replace)
    for layer in folded.layers:
        if layer.name in values:
            layer.set_weights(values[layer.name])
    origin = hub.find_origin(model)
    if origin is None:
        return folded
    known = hub.with_origin(folded, origin)  # for its class names
    copy_flags(folded, known)
    return known


def _plan(model: keras.Model, mode: str) -> tuple[dict[str, Linear | SharedLinear], set[str]]:
    """The layers that are written anew, by name, and the names of those that go."""
    nodes = _keras.nodes(model)
    calls = Counter(node.operation.name for node in nodes)
    makers = {id(tensor): (node.operation, index) for node in nodes for index, tensor in enumerate(node.outputs)}
    readers = Counter(id(tensor) for node in nodes for tensor in node.inputs)
    readers.update(id(tensor) for tensor in model.outputs)
    once = [node for node in nodes if calls[node.operation.name] == 1 and _is_plain(node)]
    dropped = {node.operation.name for node in once if _is_dropout(node.operation)}
    linear: dict[str, Linear | SharedLinear] = {}
    for node in once:
        found = _linear(node, makers, mode)
        if found is not None:
            linear[node.operation.name] = found
    replaced = {name: found for name, found in linear.items() if _is_ours(model.get_layer(name))}
    for node in once:
        affine = affine_of(node.operation)
        if affine is None or readers[id(node.inputs[0])] != 1:
            continue
        maker = makers[id(node.inputs[0])][0]
        if maker.name in linear and linear[maker.name].takes_norm and maker.dtype_policy == node.operation.dtype_policy:
            replaced[maker.name] = linear[maker.name].scaled(*affine)
            dropped.add(node.operation.name)
    return replaced, dropped


def _is_plain(node: _keras.Node) -> bool:
    """Whether a layer may be written anew: it is called as ever, and keeps the precision of what goes in."""
    layer = node.operation
    if not isinstance(layer, keras.layers.Layer) or layer.activity_regularizer is not None or not node.inputs:
        return False
    if _is_dropout(layer) and node.inputs[0].dtype != node.outputs[0].dtype:
        return False
    if offers(layer, "shared_filters"):  # some of which are a second input
        return node.kwargs.get("training") in (None, False)
    return is_inference(node)


def _is_dropout(layer: Any) -> bool:
    return type(layer) in _DROPOUT or (offers(layer, "identity_in_inference") and layer.identity_in_inference)


def _linear(node: _keras.Node, makers: dict[int, tuple[Any, int]], mode: str) -> Linear | SharedLinear | None:
    """How the layer is written as arrays, if it can be."""
    if offers(node.operation, "shared_filters"):
        return _shared(node.operation, [makers[id(tensor)] for tensor in node.inputs[1:]], mode)
    return linear_of(node.operation)


def _is_ours(layer: Any) -> bool:
    """Whether stock layers take the place of a linear layer even where no normalization follows."""
    return offers(layer, "plain_convolution") or offers(layer, "shared_filters") or has_strengths(layer)


def _shared(layer: Any, bases: list[tuple[Any, int]], mode: str) -> SharedLinear | None:
    """The layer with its basis; None where the basis does not come from a layer."""
    parts = layer.shared_filters()
    if parts.norm is not None and affine_of(parts.norm) is None:
        return None
    if not parts.shared:  # what it is given then only enters its penalty
        return shared_linear_of(layer, None, None, mode)
    maker, index = bases[0]
    if not offers(maker, "sets"):
        return None
    return shared_linear_of(layer, (maker.name, index), maker.sets()[index], mode)
