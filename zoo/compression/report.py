"""How sparse a network is: connections, weights and arithmetic, which are three different things."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.compression.criteria import first_layers
from zoo.compression.flow import masks_of
from zoo.compression.graph import Call, Graph, about_inner_models, read_graph
from zoo.compression.removing import reachable_masks
from zoo.hub import store
from zoo.layers.protocol import has_strengths


@dataclass(frozen=True, kw_only=True)
class LayerSparsity:
    """One convolution.

    Attributes:
        name: of the layer.
        prunable: whether it has strengths, and is not the first convolution.
        connections: pairs of input and output channels.
        kept: those that are not pruned.
        weights_each: numbers in the kernel slice of a connection.
        positions: output pixels, or None where the size of the image is open.
        dead_inputs: input channels without an outgoing connection.
        dead_outputs: output channels without an incoming connection.
    """

    name: str
    prunable: bool
    connections: int
    kept: int
    weights_each: int
    positions: int | None
    dead_inputs: int
    dead_outputs: int


@dataclass(frozen=True, kw_only=True)
class SparsityReport:
    """Sparsity of a network's convolutions.

    Attributes:
        layers: one entry a convolution, in the order of the calls.
        closure: further connections that lead nowhere and that `remove_dead` removes.
        dense_bytes: size of a file with every number as float32.
        packed_bytes: size of a file in the packed form, measured.

    Printed, it is a table.
    """

    layers: tuple[LayerSparsity, ...]
    closure: int
    dense_bytes: int
    packed_bytes: int

    @property
    def connections(self) -> int:
        """Connections of the prunable layers."""
        return sum(layer.connections for layer in self.layers if layer.prunable)

    @property
    def kept(self) -> int:
        """Connections of the prunable layers that are not pruned."""
        return sum(layer.kept for layer in self.layers if layer.prunable)

    @property
    def ratio(self) -> float:
        """Share of the prunable layers' connections that are pruned."""
        return 1 - self.kept / self.connections if self.connections else 0.0

    @property
    def weights(self) -> tuple[int, int]:
        """Weights of all convolutions' kernels: kept ones, and all."""
        return (
            sum(layer.kept * layer.weights_each for layer in self.layers),
            sum(layer.connections * layer.weights_each for layer in self.layers),
        )

    @property
    def macs(self) -> tuple[int, int] | None:
        """Multiply-accumulates of all convolutions: those with kept weights, and all; None for open image sizes."""
        if any(layer.positions is None for layer in self.layers):
            return None
        counts = [(layer.positions or 0) * layer.weights_each for layer in self.layers]
        return (
            sum(count * layer.kept for count, layer in zip(counts, self.layers, strict=True)),
            sum(count * layer.connections for count, layer in zip(counts, self.layers, strict=True)),
        )

    @property
    def warnings(self) -> list[str]:
        """A sentence for each layer that is dead or nearly so."""
        found = []
        for layer in self.layers:
            if layer.kept == 0:
                found.append(f"{layer.name} has no connection left")
            elif layer.dead_outputs:
                found.append(f"{layer.name}: {layer.dead_outputs} output channels have no connection left")
        return found

    def __str__(self) -> str:
        rows = [("layer", "connections", "kept", "%", "dead in", "dead out")]
        for layer in self.layers:
            share = f"{100 * layer.kept / layer.connections:.1f}"
            name = layer.name if layer.prunable else f"{layer.name} (left alone)"
            dead = (str(layer.dead_inputs), str(layer.dead_outputs))
            rows.append((name, f"{layer.connections:,}", f"{layer.kept:,}", share, *dead))
        widths = [max(len(row[column]) for row in rows) for column in range(6)]
        lines = [
            row[0].ljust(widths[0])
            + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
            for row in rows
        ]
        kept, weights = self.weights
        lines.append(f"connections: {self.kept:,} of {self.connections:,} kept, {100 * self.ratio:.2f} % pruned")
        lines.append(f"weights: {kept:,} of {weights:,} kept ({100 * kept / max(weights, 1):.2f} %)")
        if self.macs:
            lines.append(f"multiply-accumulates: {self.macs[0]:,} of {self.macs[1]:,} ({_percent(self.macs)})")
        lines.append(f"connections that lead nowhere: {self.closure:,}")
        lines.append(f"file: {self.dense_bytes:,} bytes dense, {self.packed_bytes:,} packed")
        return "\n".join(lines)


def sparsity_report(model: keras.Model) -> SparsityReport:
    """Counts a network's connections, weights and arithmetic, pruned or not.

    Args:
        model: a functional model.

    Returns:
        The report. Layers that serve in several places, and grouped and depthwise convolutions, are not in it; nor are
        models within the model, of which a warning tells.

    Raises:
        ValueError: not a functional model.

    Example:
        >>> import zoo
        >>> report = zoo.compression.sparsity_report(zoo.build("synaptic_resnet20_cifar10"))
        >>> report.connections, report.kept, report.weights[1]
        (29696, 29696, 267696)
    """
    graph = read_graph(model)
    if inner := about_inner_models(model, "sparsity_report"):
        warnings.warn(f"Their convolutions are not counted: {inner}", stacklevel=2)
    masks = masks_of(graph)
    return report_of(model, graph, masks)


def report_of(
    model: keras.Model, graph: Graph, masks: dict[str, np.ndarray], excluded: set[str] | None = None
) -> SparsityReport:
    """The report as it would be with other masks."""
    left = first_layers(graph) if excluded is None else excluded
    closed, _ = reachable_masks(graph, masks)
    calls = [call for call in graph.calls if call.kind == "conv"]
    return SparsityReport(
        layers=tuple(_layer(call, masks, prunable=call.name in masks and call.name not in left) for call in calls),
        closure=sum(int(masks[name].sum() - closed[name].sum()) for name in masks),
        dense_bytes=_dense_bytes(model, calls),
        packed_bytes=len(store.tensors_to_bytes(tensors_of(model, graph, masks))),
    )


def _layer(call: Call, masks: dict[str, np.ndarray], *, prunable: bool) -> LayerSparsity:
    layer = call.operation
    shape = _shape(layer)
    mask = masks.get(call.name, np.ones(shape[-2:], bool))
    places = tuple(layer.output.shape[1:-1])
    return LayerSparsity(
        name=call.name,
        prunable=prunable,
        connections=math.prod(shape[-2:]),
        kept=int(mask.sum()),
        weights_each=math.prod(shape[:-2]),
        positions=None if None in places else math.prod(places),
        dead_inputs=int((~mask.any(axis=1)).sum()),
        dead_outputs=int((~mask.any(axis=0)).sum()),
    )


def tensors_of(model: keras.Model, graph: Graph, masks: dict[str, np.ndarray]) -> store.Tensors:
    """A model's weights by path in their own precision, 0 where a connection is pruned: momentum moves them on."""
    variables = store.keyed(model)
    values = {key: keras.ops.convert_to_numpy(variable) for key, variable in variables.items()}
    tensors = {key: values[key] for key in store.collect(variables)}  # which refuses what cannot be told apart
    keys = {id(variable): key for key, variable in variables.items()}
    for call in graph.calls:
        if call.name in masks:
            for key in (keys[id(variable)] for variable in call.operation.masked_variables()):
                tensors[key] = np.where(masks[call.name], tensors[key], tensors[key].dtype.type(0))
    return tensors


def _dense_bytes(model: keras.Model, calls: list[Call]) -> int:
    """Bytes of the plain network of the same shape: kernels instead of directions, strengths and masks."""
    total = sum(math.prod(weight.shape) for weight in model.weights)
    for call in calls:
        if has_strengths(call.operation):
            total -= sum(math.prod(w.shape) for w in call.operation.weights)
            total += math.prod(_shape(call.operation)) + (call.channels if call.operation.use_bias else 0)
    return 4 * total


def _shape(layer: Any) -> tuple[int, ...]:
    """Of the kernel, which a layer with strengths would have to compute."""
    return (*layer.kernel_size, *layer.mask.shape) if has_strengths(layer) else tuple(layer.kernel.shape)


def _percent(pair: tuple[int, int]) -> Any:
    return f"{100 * pair[0] / max(pair[1], 1):.2f} %"
