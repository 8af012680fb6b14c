"""The arithmetic of single layers: one rule a kind, from the shapes of a call to multiply-accumulates."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras

_L = keras.layers
Shape = tuple[int | None, ...]
Shapes = dict[str, Any]
"""Of a call: the shapes of its arguments by the names that the layer's `call` gives them."""
Rule = Callable[[Any, Shapes, Shape], int]

_FREE_PARTS = ("activations", "normalization", "pooling", "preprocessing", "regularization", "reshaping", "merging")
_FREE = (_L.InputLayer, _L.Identity, _L.Masking, _L.Embedding)
_TRANSFORMS = (_L.MelSpectrogram, _L.STFTSpectrogram)  # of signals: by matrix products or by FFT
_PRODUCTS = ("conv", "dot", "einsum", "matmul", "inner", "correlate", "linalg", "fft", "attention")
"""Words in the names of those operations of `keras.ops` that multiply and sum."""


def known(layer: Any, *shapes: Shape) -> tuple[int, ...]:
    """The sizes of the first shape without its batch.

    Raises:
        ValueError: a size of any shape is unknown.
    """
    for shape in shapes:
        if None in shape[1:]:
            raise ValueError(f"Expected known sizes to count with; layer {layer.name!r} has the shape {shape}.")
    return tuple(int(size or 0) for size in shapes[0][1:])


def rule_of(layer: Any) -> Rule | None:
    """How a layer or operation is counted; None where that is not known, or there is nothing to count.

    A subclass counts as what it is made of, unless it has a `call` of its own; so does the method `macs`.
    """
    if _is_operation(layer):
        return _OPERATIONS.get(type(layer).__name__)
    if type(layer) is _L.RNN and not _is_cell(layer.cell):
        return None
    for kind in type(layer).__mro__:
        if "macs" in vars(kind):
            return _own
        if kind in _RULES:
            return _RULES[kind]
        if "call" in vars(kind) or "convolution_op" in vars(kind):
            return None
    return None


def is_free(layer: Any) -> bool:
    """Whether a layer or operation has nothing that counts."""
    if type(layer) in _TRANSFORMS:
        return False
    if _is_operation(layer):
        name = f"{type(layer).__module__}.{type(layer).__name__}".lower().replace("convert", "")
        return not any(word in name for word in _PRODUCTS)
    module = type(layer).__module__.split(".")
    return type(layer) in _FREE or (module[0] == "keras" and any(part in module for part in _FREE_PARTS))


def _is_operation(layer: Any) -> bool:
    """Whether it is one of the operations of `keras.ops`."""
    return type(layer).__module__.startswith("keras.src.ops.")


def _own(layer: Any, shapes: Shapes, output: Shape) -> int:
    shape = next(iter(shapes.values()))
    known(layer, shape)
    return int(layer.macs(shape))


def _positions(layer: Any, shape: Shape) -> int:
    """Pixels, or places of a sequence, of a map with channels."""
    sizes = known(layer, shape)
    return math.prod(sizes[1:] if layer.data_format == "channels_first" else sizes[:-1])


def _channels(layer: Any, shape: Shape) -> int:
    size = shape[1] if layer.data_format == "channels_first" else shape[-1]
    return int(size or 0)


def _first(shapes: Shapes) -> Shape:
    return next(iter(shapes.values()))


def _conv(layer: Any, shapes: Shapes, output: Shape) -> int:
    seen = _channels(layer, _first(shapes)) // layer.groups
    return _positions(layer, output) * math.prod(layer.kernel_size) * seen * layer.filters


def _depthwise(layer: Any, shapes: Shapes, output: Shape) -> int:
    channels = _channels(layer, _first(shapes)) * layer.depth_multiplier
    return _positions(layer, output) * math.prod(layer.kernel_size) * channels


def _separable(layer: Any, shapes: Shapes, output: Shape) -> int:
    channels = _channels(layer, _first(shapes)) * layer.depth_multiplier
    return _positions(layer, output) * channels * (math.prod(layer.kernel_size) + layer.filters)


def _transposed(layer: Any, shapes: Shapes, output: Shape) -> int:
    shape = _first(shapes)
    return _positions(layer, shape) * math.prod(layer.kernel_size) * _channels(layer, shape) * layer.filters


def _dense(layer: Any, shapes: Shapes, output: Shape) -> int:
    return math.prod(known(layer, _first(shapes))) * layer.units


def _reversible(layer: Any, shapes: Shapes, output: Shape) -> int:
    return math.prod(known(layer, _first(shapes))) * layer.input_dim if shapes.get("reverse") else 0


def _einsum_dense(layer: Any, shapes: Shapes, output: Shape) -> int:
    left, right = layer.equation.replace(" ", "").split("->")
    return _einsum(layer, [(left.split(",")[0], _first(shapes)), (right, output)])


def _einsum_operation(operation: Any, shapes: Shapes, output: Shape) -> int:
    left, right = operation.subscripts.replace(" ", "").split("->")
    return _einsum(operation, [*zip(left.split(","), shapes["operands"], strict=True), (right, output)])


def _einsum(layer: Any, operands: list[tuple[str, Shape]]) -> int:
    """The product of all sizes in an equation, but for that of the batch, which is the first axis."""
    sizes: dict[str, Any] = {}
    for labels, shape in operands:
        found = zip(_letters(labels, len(shape)), shape, strict=True)
        sizes |= {label: sizes.get(label) if size is None else size for label, size in found}
    batch = _letters(operands[0][0], len(operands[0][1]))[0]
    return math.prod(known(layer, (None, *(size for label, size in sizes.items() if label != batch))))


def _letters(labels: str, rank: int) -> list[str]:
    """The labels of the axes, with names for those that an ellipsis stands for, counted from the right."""
    before, dots, behind = labels.partition("...")
    hidden = rank - len(before) - len(behind) if dots else 0
    return [*before, *(f"axis{index}" for index in range(hidden, 0, -1)), *behind]


def _multi_head(layer: Any, shapes: Shapes, output: Shape) -> int:
    query, value = shapes["query"], shapes["value"]
    key = shapes.get("key") or value
    config = layer.get_config()
    heads, size, depth = config["num_heads"], config["key_dim"], config["value_dim"] or config["key_dim"]
    targets, sources = (math.prod(known(layer, shape)[:-1]) for shape in (query, value))
    axes = config["attention_axes"] or tuple(range(1, len(query) - 1))
    axes = (axes,) if isinstance(axes, int) else tuple(axes)
    attended = math.prod(int(value[axis] or 0) for axis in axes)
    outputs = math.prod(known(layer, output)) // targets
    projections = targets * (query[-1] * size + depth * outputs) + sources * (key[-1] * size + value[-1] * depth)
    return heads * (projections + targets * attended * (size + depth))


def _grouped_query(layer: Any, shapes: Shapes, output: Shape) -> int:
    query, value = shapes["query"], shapes["value"]
    key = shapes.get("key") or value
    config = layer.get_config()
    size, heads, groups = config["head_dim"], config["num_query_heads"], config["num_key_value_heads"]
    (targets, width), (sources, _) = known(layer, query), known(layer, value)
    projections = heads * size * targets * (width + int(output[-1] or 0))
    projections += groups * size * sources * (int(key[-1] or 0) + int(value[-1] or 0))
    return projections + 2 * heads * targets * sources * size


def _attention(layer: Any, shapes: Shapes, output: Shape) -> int:
    query, value = shapes["inputs"][:2]
    (*others, targets, size), (*_, sources, depth) = known(layer, query), known(layer, value)
    return math.prod(others) * targets * sources * (size + depth)


def _recurrent(layer: Any, shapes: Shapes, output: Shape) -> int:
    steps, features = known(layer, _first(shapes))
    return steps * _cell(layer.cell, features)


_GATES = {_L.LSTMCell: 4, _L.GRUCell: 3, _L.SimpleRNNCell: 1}


def _is_cell(cell: Any) -> bool:
    """Whether the arithmetic of a recurrent cell is known."""
    return all(map(_is_cell, cell.cells)) if type(cell) is _L.StackedRNNCells else type(cell) in _GATES


def _cell(cell: Any, features: int) -> int:
    if type(cell) is _L.StackedRNNCells:
        widths = [features, *(each.units for each in cell.cells)]
        return sum(_cell(each, width) for each, width in zip(cell.cells, widths, strict=False))
    return _GATES[type(cell)] * cell.units * (features + cell.units)


def _conv_lstm(layer: Any, shapes: Shapes, output: Shape) -> int:
    """Convolutions of the input and of the state, which is as large as the output, for four gates."""
    shape = _first(shapes)
    state = (output[0], *output[2:]) if layer.return_sequences else output
    seen = _channels(layer, (shape[0], *shape[2:])) + layer.filters
    return known(layer, shape)[0] * _positions(layer, state) * math.prod(layer.kernel_size) * seen * 4 * layer.filters


def _dot(layer: Any, shapes: Shapes, output: Shape) -> int:
    one, _ = shapes["inputs"]
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    return math.prod(known(layer, output)) * int(known(layer, one)[axis - 1 if axis > 0 else axis])


def _matmul(operation: Any, shapes: Shapes, output: Shape) -> int:
    one = list(shapes.values())[0]
    return math.prod(known(operation, output, one)) * int(one[-1] or 0)


_RULES: dict[type, Rule] = {
    **dict.fromkeys((_L.Conv1D, _L.Conv2D, _L.Conv3D), _conv),
    **dict.fromkeys((_L.DepthwiseConv1D, _L.DepthwiseConv2D), _depthwise),
    **dict.fromkeys((_L.SeparableConv1D, _L.SeparableConv2D), _separable),
    **dict.fromkeys((_L.Conv1DTranspose, _L.Conv2DTranspose, _L.Conv3DTranspose), _transposed),
    **dict.fromkeys((_L.LSTM, _L.GRU, _L.SimpleRNN, _L.RNN), _recurrent),
    **dict.fromkeys((_L.ConvLSTM1D, _L.ConvLSTM2D, _L.ConvLSTM3D), _conv_lstm),
    **dict.fromkeys((_L.Attention, _L.AdditiveAttention), _attention),
    _L.Dense: _dense,
    _L.EinsumDense: _einsum_dense,
    _L.ReversibleEmbedding: _reversible,
    _L.MultiHeadAttention: _multi_head,
    _L.GroupQueryAttention: _grouped_query,
    _L.Dot: _dot,
}
_OPERATIONS: dict[str, Rule] = {"Matmul": _matmul, "Einsum": _einsum_operation}
