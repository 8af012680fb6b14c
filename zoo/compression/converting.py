"""From any functional model to one whose convolutions have strengths, with unchanged outputs."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np

from zoo.compression.graph import Call, Graph, about_inner_models, read_graph
from zoo.compression.pruning import Filters, checked_filters, is_chosen
from zoo.compression.rebuilding import configuration, own_classes, rebuild, renewed
from zoo.layers import SynapticConv2D  # which this module makes
from zoo.layers.protocol import has_strengths
from zoo.layers.synaptic_conv2d import check_form

_TINY = 1e-6  # a smaller scale is not divided by
_HOMOGENEOUS = (keras.activations.relu, keras.activations.linear, keras.activations.leaky_relu)


def to_synaptic(
    model: keras.Model,
    *,
    filters: Filters = None,
    form: str = "parameter",
    absorb: bool = True,
    strength_regularizer: Any = None,
) -> keras.Model:
    """A model with the same outputs whose convolutions have strengths.

    Every `Conv2D` with one group that serves in one place becomes a `SynapticConv2D`; all else stays what it is. The
    scale of a normalization moves into the strengths of the convolutions that read it,

        relu(g x + b) = |g| relu(sign(g) x + b / |g|),

    where only such convolutions read it and only positively homogeneous layers (ReLU, pooling, zero padding, dropout,
    concatenation) stand between; the normalization then has no scale. A negative scale first turns the sign of the
    filter that makes the channel. Elsewhere, behind a residual sum for example, the scale stays and no strength has it;
    so it does where a regularizer or constraint is set for it. What a convolution has for its kernel (initializer,
    regularizer, constraint), the new layer has for its direction.

    Args:
        model: a functional model, of Keras applications or KerasHub for example; it is not changed.
        filters: which convolutions; see `zoo.compression.pruning.Filters`.
        form: of the layers, `"parameter"` or `"product"`; in product form a scale goes into the layer's `scale`.
        absorb: move scales as described; False leaves all normalizations as they are.
        strength_regularizer: penalty, for example `zoo.losses.StrengthSparsity(1e-4)`.

    Returns:
        A new functional model with variables of its own, not compiled. A warning names ordinary convolutions that were
        left alone (grouped or shared ones), and models inside the model, which are to be converted by themselves.

    Raises:
        ValueError: not a functional model, unknown words or names, or no convolution to convert.

    Example:
        >>> import zoo
        >>> plain = zoo.build("synaptic_resnet20_cifar10", form="plain")
        >>> model = zoo.compression.to_synaptic(plain)
        >>> type(model.get_layer("stem")).__name__
        'SynapticConv2D'
    """
    check_form(form)
    strength_regularizer = keras.regularizers.get(strength_regularizer)
    graph = read_graph(model)
    filters = checked_filters(filters, {call.name for call in graph.calls})
    chosen = {call.name for call in graph.calls if _convertible(call) and is_chosen(call.operation, filters)}
    if not chosen:
        raise ValueError(
            f"Expected a convolution to convert; {model.name!r} has none that has one group, serves in one place and "
            f"passes filters={filters!r}. {about_inner_models(model, 'to_synaptic')}".rstrip()
        )
    _tell_of_others(graph, chosen, filters)
    absorbed = _absorbable(graph, chosen) if absorb else {}
    bare = {call.name for call in absorbed.values()}

    def replace(layer: Any) -> Any:
        if layer.name in chosen:
            return _strong(layer, form, strength_regularizer)
        return renewed(layer, scale=False) if layer.name in bare else None

    converted = rebuild(model, replace)
    _copy_weights(graph, converted, chosen, absorbed)
    return converted


def _strong(layer: Any, form: str, strength_regularizer: Any) -> Any:
    """The layer with strengths that takes the place of an ordinary convolution, without values."""
    kept = {key: value for key, value in configuration(layer).items() if key != "groups"}
    with own_classes(layer):
        return SynapticConv2D.from_config(kept | {"form": form, "strength_regularizer": strength_regularizer})


def _convertible(call: Call) -> bool:
    return call.kind == "conv" and type(call.operation) is keras.layers.Conv2D


def _tell_of_others(graph: Graph, chosen: set[str], filters: Filters) -> None:
    """Warns of layers that one might think are converted, too."""
    asked = {call.name: call for call in graph.calls if call.name not in chosen}
    left = [
        f"{name} ({'a model of its own' if isinstance(call.operation, keras.Model) else 'grouped, shared or special'})"
        for name, call in asked.items()
        if isinstance(call.operation, (keras.layers.Conv2D, keras.Model))
        and not has_strengths(call.operation)
        and is_chosen(call.operation, filters)
    ]
    if left:
        warnings.warn(f"to_synaptic leaves alone: {', '.join(left)}", stacklevel=3)


def _absorbable(graph: Graph, chosen: set[str]) -> dict[int, Call]:
    """Normalizations whose scale can move on, by the number of their output."""
    found = {}
    for call in graph.calls:
        if call.kind != "norm" or not _is_free(call.operation):
            continue
        gamma = keras.ops.convert_to_numpy(call.operation.gamma)
        if np.abs(gamma).min() < _TINY or (gamma.min() < 0 and not _sole_maker(graph, call)):
            continue
        if _moves_on(graph, call, chosen):
            found[call.output] = call
    return found


def _is_free(norm: Any) -> bool:
    """Whether a normalization has a scale and an offset, and no penalty or constraint says what they should be."""
    rules = ("gamma_regularizer", "gamma_constraint", "beta_regularizer", "beta_constraint", "activity_regularizer")
    return norm.scale and norm.center and all(getattr(norm, rule) is None for rule in rules)


def _sole_maker(graph: Graph, norm: Call) -> bool:
    """Whether a convolution or dense layer that nobody else reads feeds the normalization without an activation.

    Nor with a constraint, which the turned kernel might not meet.
    """
    maker = graph.before(norm)[0]
    linear = getattr(maker.operation, "activation", None) is keras.activations.linear
    rules = ("kernel_constraint", "bias_constraint", "activity_regularizer")
    linear = linear and all(getattr(maker.operation, rule, None) is None for rule in rules)
    return maker.kind in ("conv", "dense") and linear and len(graph.after(maker)) == 1 and not _is_output(graph, maker)


def _moves_on(graph: Graph, call: Call, chosen: set[str]) -> bool:
    """Whether all that reads a tensor, at last, are chosen convolutions."""
    if _is_output(graph, call) or not graph.after(call):
        return False
    for reader in graph.after(call):
        if reader.name in chosen:
            continue
        spatial = reader.kind in ("pass", "concatenate") or (reader.kind == "pad" and reader.axis not in (1, 2))
        if not (spatial or (reader.kind == "pointwise" and _homogeneous(reader.operation))):
            return False
        if not _moves_on(graph, reader, chosen):
            return False
    return True


def _is_output(graph: Graph, call: Call) -> bool:
    return call.output in graph.outputs


def _homogeneous(layer: Any) -> bool:
    """Whether f(c x) = c f(x) for c > 0."""
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not layer.threshold
    if isinstance(layer, keras.layers.Activation):
        return layer.activation in _HOMOGENEOUS
    return isinstance(layer, (keras.layers.LeakyReLU, keras.layers.Dropout, keras.layers.SpatialDropout2D))


def _copy_weights(graph: Graph, new: keras.Model, chosen: set[str], absorbed: dict[int, Call]) -> None:
    scales: dict[int, np.ndarray] = {}  # what each tensor of the old network is a multiple of the new one's by
    turned = {graph.before(call)[0].name: _gamma(call) < 0 for call in absorbed.values() if (_gamma(call) < 0).any()}
    for call in graph.calls:
        ins = [scales[tensor] for tensor in call.inputs]
        scales[call.output] = _scale_behind(call, ins, absorbed)
        if call.name not in chosen and call.name not in turned and call.output not in absorbed:
            continue
        layer = new.get_layer(call.name)
        if call.name in chosen:
            _set_convolution(layer, call.operation, ins[0], turned.get(call.name))
        elif call.output in absorbed:
            _set_norm(layer, call.operation)
        else:
            layer.set_weights(_turned_weights(call.operation, turned.get(call.name)))


def _gamma(call: Call) -> np.ndarray:
    return keras.ops.convert_to_numpy(call.operation.gamma)


def _scale_behind(call: Call, ins: list[np.ndarray], absorbed: dict[int, Call]) -> np.ndarray:
    if call.output in absorbed:
        return np.abs(_gamma(call))
    if call.kind == "concatenate":
        return np.concatenate(ins)
    spatial_pad = call.kind == "pad" and call.axis not in (1, 2)
    return ins[0] if call.kind in ("pass", "pointwise") or spatial_pad else np.ones(call.channels)


def _turned_weights(layer: Any, turned: np.ndarray | None) -> list[np.ndarray]:
    weights = layer.get_weights()
    if turned is None:
        return weights
    kept = ("strength", "scale", "mask")  # of a layer with strengths, whose direction turns
    return [
        weight if variable.name in kept else np.where(turned, -weight, weight)
        for variable, weight in zip(layer.weights, weights, strict=True)
    ]


def _set_convolution(new: SynapticConv2D, old: Any, scale: np.ndarray, turned: np.ndarray | None) -> None:
    kernel, *bias = _turned_weights(old, turned)
    if new.form == "product":
        new.direction.assign(kernel)
        new.scale.assign(scale)
    else:
        kernel = kernel * scale[:, None]
        new.direction.assign(kernel)
        new.strength.assign(np.sqrt(np.square(kernel.astype("float64")).sum((0, 1))))
    if new.bias is not None:
        new.bias.assign(bias[0])


def _set_norm(new: Any, old: Any) -> None:
    gamma, mean = (keras.ops.convert_to_numpy(value) for value in (old.gamma, old.moving_mean))
    new.beta.assign(keras.ops.convert_to_numpy(old.beta) / np.abs(gamma))
    new.moving_mean.assign(np.where(gamma < 0, -mean, mean))
    new.moving_variance.assign(keras.ops.convert_to_numpy(old.moving_variance))
