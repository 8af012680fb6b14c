"""Pooling over the regions of a window by shifting the whole map once a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import backend, ops

Cells = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """How windows lie on the input.

    Attributes:
        size: (height, width).
        pad: zeros above and below, left and right.
        strides: step, the same along both axes.
    """

    size: tuple[int, int]
    pad: tuple[int, int]
    strides: int


def pool_linear(inputs: Any, regions: Sequence[Cells], scales: Sequence[float], window: Window) -> Any:
    """Scaled sums over regions: (B, H, W, C) to (B, H', W', regions * C).

    With stride 1 the gradient is written out: a sum of as many slices as the pooling itself has. The one that is
    derived pads each slice back to the whole map and adds those up.
    """
    if window.strides > 1:
        return _forward(inputs, regions, scales, window)

    @ops.custom_gradient
    def pool(x: Any) -> Any:
        def gradient(*arguments: Any, upstream: Any = None) -> Any:
            # torch hands the inputs over too, and the upstream gradient by name.
            return _backward(arguments[0] if upstream is None else upstream, regions, scales, window)

        return _forward(x, regions, scales, window), gradient

    return pool(inputs)


def pool_max(inputs: Any, regions: Sequence[Cells], window: Window) -> Any:
    """Maxima over regions; zeros around the image count, and of equal values the first gets the gradient."""
    padded = _pad(inputs, window.pad)
    pooled = []
    for cells in regions:
        best = None
        for cell in cells:
            value = _shifted(padded, cell, ops.shape(inputs), window)
            best = value if best is None else ops.where(value > best, value, best)
        pooled.append(best)
    return _concatenate(pooled)


def _forward(inputs: Any, regions: Sequence[Cells], scales: Sequence[float], window: Window) -> Any:
    padded, shape = _pad(_wide(inputs), window.pad), ops.shape(inputs)
    sums = [_sum(padded, cells, shape, window, scale) for cells, scale in zip(regions, scales, strict=True)]
    return ops.cast(_concatenate(sums), inputs.dtype)


def _backward(upstream: Any, regions: Sequence[Cells], scales: Sequence[float], window: Window) -> Any:
    """Every input pixel gathers from the windows that it lies in: the mirrored sum."""
    (height, width), (rows, columns) = window.size, window.pad
    mirrored = Window(window.size, (height - 1 - rows, width - 1 - columns), 1)
    shape, wide = ops.shape(upstream), _wide(upstream)
    total: Any = 0
    for cells, scale, part in zip(regions, scales, _split(wide, len(regions)), strict=True):
        turned = [(height - 1 - row, width - 1 - column) for row, column in cells]
        if turned:
            total = total + _sum(_pad(part, mirrored.pad), turned, shape, mirrored, scale)
    return ops.cast(total, upstream.dtype)


def _sum(padded: Any, cells: Cells, shape: Any, window: Window, scale: float) -> Any:
    if not cells:
        return None
    total = _shifted(padded, cells[0], shape, window)
    for cell in cells[1:]:
        total = total + _shifted(padded, cell, shape, window)
    return total if scale == 1 else total * scale


def _shifted(padded: Any, cell: tuple[int, int], shape: Any, window: Window) -> Any:
    """The padded map as every window sees it at one of its cells; `shape` is that of the map without padding."""
    slices: list[slice] = []
    for start, length, size, pad in zip(cell, shape[1:3], window.size, window.pad, strict=True):
        last = (length + 2 * pad - size) // window.strides * window.strides
        slices.append(slice(start, start + last + 1, window.strides))
    return padded[:, slices[0], slices[1]]


def _pad(inputs: Any, pad: tuple[int, int]) -> Any:
    return ops.pad(inputs, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1]), (0, 0))) if any(pad) else inputs


def _concatenate(pooled: list[Any]) -> Any:
    """Joins the channels; a region without cells gives zeros."""
    zeros = ops.zeros_like(next(value for value in pooled if value is not None))
    return ops.concatenate([zeros if value is None else value for value in pooled], axis=-1)


def _split(values: Any, parts: int) -> list[Any]:
    return list(ops.split(values, parts, axis=-1)) if parts > 1 else [values]


def _wide(values: Any) -> Any:
    """Sums of many terms need float32 or better, as in a convolution."""
    return ops.cast(values, backend.result_type(values.dtype, "float32"))
