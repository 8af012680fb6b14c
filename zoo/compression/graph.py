"""A functional model as a list of calls, and what each call does to channels."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.layers.protocol import has_strengths

_L = keras.layers
_DROPOUT = (_L.Dropout, _L.SpatialDropout2D, _L.GaussianDropout, _L.GaussianNoise)
_POINTWISE = (_L.ReLU, _L.LeakyReLU, _L.ELU, _L.Activation, *_DROPOUT)
_PASSING = (
    _L.MaxPooling2D,
    _L.AveragePooling2D,
    _L.GlobalAveragePooling2D,
    _L.GlobalMaxPooling2D,
    _L.Cropping2D,
    _L.UpSampling2D,
    _L.Reshape,
)
_KINDS: dict[str, tuple[type, ...]] = {
    "input": (_L.InputLayer,),
    "conv": (_L.Conv2D,),
    "depthwise": (_L.DepthwiseConv2D,),
    "dense": (_L.Dense,),
    "norm": (_L.BatchNormalization,),
    "pointwise": _POINTWISE,
    "pass": _PASSING,
    "pad": (_L.ZeroPadding2D,),
    "permute": (_L.Permute,),
    "flatten": (_L.Flatten,),
    "add": (_L.Add, _L.Subtract, _L.Average, _L.Maximum),
    "multiply": (_L.Multiply,),
    "concatenate": (_L.Concatenate,),
}
_PLAIN = (None, keras.activations.linear, keras.activations.relu)


@dataclass
class Call:
    """One output of a call of a layer or operation, which nearly always has one.

    Attributes:
        operation: what is called.
        inputs: numbers of the tensors that go in.
        output: number of the tensor that comes out.
        kind: a key of `_KINDS`, or `"opaque"` for what is not known, serves in several places, has several outputs or
            is called with more than its inputs, `training=True` for example.
        axis: the axis of the channels in the output.
        channels: their number.
    """

    operation: Any
    inputs: list[int]
    output: int
    kind: str
    axis: int
    channels: int

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.operation.name

    @functools.cached_property
    def keeps_zero(self) -> bool:
        """Whether the layer, or its activation, maps the value 0 to 0, whatever the other channels are."""
        function = self._function
        if function in _PLAIN:
            return True
        value = keras.ops.convert_to_numpy(function(keras.ops.zeros((1, 1, 1, 2))))
        return bool(np.all(value == 0)) and not self.mixes

    @functools.cached_property
    def mixes(self) -> bool:
        """Whether the layer is, or ends with, an activation that makes a channel of several, as a softmax does."""
        function = self._function
        if function in _PLAIN:
            return False
        one, other = (np.array([-1.5, 0.5, 1.0, last], "float32").reshape(1, 1, 1, 4) for last in (2.0, -3.0))
        one, other = (keras.ops.convert_to_numpy(function(keras.ops.convert_to_tensor(x))) for x in (one, other))
        return not np.array_equal(one[..., :3], other[..., :3])

    @property
    def _function(self) -> Any:
        return self.operation if self.kind == "pointwise" else getattr(self.operation, "activation", None)


@dataclass
class Graph:
    """The calls of a model, each after those that feed it.

    Attributes:
        calls: in order.
        outputs: numbers of the tensors that are the model's outputs.
        makers: the call that makes a tensor, by its number.
        readers: the calls that read a tensor, by its number.
    """

    calls: list[Call]
    outputs: list[int]
    makers: dict[int, Call] = field(default_factory=dict)
    readers: dict[int, list[Call]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.makers = {call.output: call for call in self.calls}
        self.readers = {call.output: [] for call in self.calls}
        for call in self.calls:
            for tensor in call.inputs:
                self.readers[tensor].append(call)

    def after(self, call: Call) -> list[Call]:
        """The calls that read the output of a call."""
        return self.readers[call.output]

    def before(self, call: Call) -> list[Call]:
        """The calls whose outputs a call reads."""
        return [self.makers[tensor] for tensor in call.inputs]


def check_functional(model: Any) -> None:
    """Raises ValueError unless a model is a functional Keras model."""
    if not _keras.is_functional(model):
        raise ValueError(f"Expected a functional Keras model; got {type(model).__name__}. {_graph_of(model)}")


def about_inner_models(model: keras.Model, function: str) -> str:
    """What an error or a warning says of convolutions in models within a functional model; "" where there are none."""
    names = sorted(
        {
            node.operation.name
            for node in _keras.nodes(model)
            if isinstance(node.operation, keras.Model)
            and any(isinstance(layer, keras.layers.Conv2D) for layer in _keras.sublayers(node.operation))
        }
    )
    if not names:
        return ""
    return (
        f"{function} does not look into the models within {model.name!r}: {', '.join(map(repr, names))}. Call it for "
        f"such a model by itself, {function}(model.get_layer({names[0]!r})), and the layers behind it on its output."
    )


def _graph_of(model: Any) -> str:
    """Where a functional model can be had instead."""
    if isinstance(model, keras.Sequential):
        build = "" if model.built else "begin it with keras.Input(shape) and "
        return f"Of a Sequential {build}pass keras.Model(model.inputs, model.outputs)."
    if isinstance(model, str):
        return "Load it first: zoo.load(name)."
    return "Subclassed models show no graph."


def read_graph(model: keras.Model) -> Graph:
    """The calls of a functional model.

    Raises:
        ValueError: not a functional model.
    """
    check_functional(model)
    nodes = _keras.nodes(model)
    used = Counter(node.operation.name for node in nodes)
    numbers: dict[int, int] = {}
    calls: list[Call] = []
    by_output: dict[int, Call] = {}
    for node in nodes:
        inputs = [numbers[id(tensor)] for tensor in node.inputs]
        before = [by_output[number] for number in inputs]
        for tensor in node.outputs:
            output = numbers[id(tensor)] = len(numbers)
            shape = tuple(tensor.shape)
            by_output[output] = _call(node, shape, inputs, output, before, shared=used[node.operation.name] > 1)
            calls.append(by_output[output])
    return Graph(calls, [numbers[id(tensor)] for tensor in model.outputs])


def _call(
    node: _keras.Node, shape: tuple[Any, ...], inputs: list[int], output: int, before: list[Call], *, shared: bool
) -> Call:
    operation = node.operation
    kind = _kind(operation) if len(node.outputs) == 1 and not shared and is_inference(node) else "opaque"
    axis = len(shape) - 1
    if kind in ("permute", "pad", "pointwise") and before:
        axis = before[0].axis
        axis = operation.dims.index(axis) + 1 if kind == "permute" and axis > 0 else axis
    if kind not in ("permute", "pad", "pointwise") and any(c.axis != len(s) - 1 for c, s in _ranks(node, before)):
        kind, axis = "opaque", len(shape) - 1  # only these leave channels elsewhere than last
    if not _sound(kind, operation, shape, before):
        kind, axis = "opaque", len(shape) - 1
    return Call(operation, inputs, output, kind, axis, (shape[axis] or 0) if shape else 0)


def _ranks(node: _keras.Node, before: list[Call]) -> list[tuple[Call, tuple[Any, ...]]]:
    return [(call, tuple(tensor.shape)) for call, tensor in zip(before, node.inputs, strict=True)]


def is_inference(node: _keras.Node) -> bool:
    """Whether a layer is called with its inputs alone and is in inference what it usually is there.

    Not so with `training=True`, which keeps dropout and batch statistics active, with masks and with other arguments.
    """
    extra = node.args[1:] or any(value is not None for key, value in node.kwargs.items() if key != "training")
    return not extra and node.kwargs.get("training") in (None, False)


def _kind(operation: Any) -> str:
    if has_strengths(operation):
        return "conv"
    for kind, classes in _KINDS.items():
        if type(operation) in classes:
            return kind
    return "opaque"


def has_other_weights(layer: Any) -> bool:
    """Whether Keras has put more beside the kernel: a LoRA, or the scale of a quantized one."""
    return bool(getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None))


def _sound(kind: str, operation: Any, shape: tuple[Any, ...], before: list[Call]) -> bool:
    """Whether a call is as simple as its kind says: channels last, one group, equal numbers of channels."""
    if getattr(operation, "data_format", "channels_last") != "channels_last" or None in shape[-1:]:
        return False
    if kind == "conv":
        plain = getattr(operation, "groups", 1) == 1 and not has_other_weights(operation)
        return plain and operation.filters == shape[-1]  # some activations put out half of the channels
    if kind == "dense":
        return not has_other_weights(operation) and operation.units == shape[-1]
    if kind == "pointwise":
        return before[0].channels == shape[before[0].axis]
    if kind == "norm":
        return operation.axis in (-1, len(shape) - 1)
    if kind in ("add", "multiply"):
        return len({call.channels for call in before}) == 1 and len(before) > 1
    if kind == "concatenate":
        return operation.axis in (-1, len(shape) - 1)
    if kind == "pass":
        return before[0].channels == shape[-1]
    if kind == "flatten":
        return None not in shape
    return True
