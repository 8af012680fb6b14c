"""Pooling over the regions of a window by shifting the whole map once a cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from zoo.layers import _common
from zoo.math.values import Tensor

Cells = Sequence[tuple[int, int]]
Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """How windows lie on the input.

    With stride s the pixels (s y + i, s x + j) are phase (i, j) of the map. Cell (row, column) of window (y, x) lies on
    pixel (s y + row - pad, s x + column - pad): within its phase every cell is a shift, as it is with stride 1.

    Attributes:
        size: (height, width).
        pad: zeros above and below, left and right.
        strides: step, the same along both axes.
    """

    size: Pair
    pad: Pair
    strides: int

    def place(self, cell: Pair) -> tuple[Pair, Pair]:
        """Phase and shift of a cell."""
        (row, i), (column, j) = (divmod(n - pad, self.strides) for n, pad in zip(cell, self.pad, strict=True))
        return (i, j), (row, column)

    def outputs(self, shape: Any) -> tuple[Tensor, Tensor]:
        """Numbers of windows along both axes, for the shape of the input."""
        lengths = zip(shape[1:3], self.size, self.pad, strict=True)
        rows, columns = ((length + 2 * pad - size) // self.strides + 1 for length, size, pad in lengths)
        return rows, columns

    def inner_margins(self) -> list[Pair]:
        """Zeros before and after a phase, for all shifts of it to lie inside; bounds that hold for every length."""
        return [
            (-(-pad // self.strides), max(0, (size - 1 - pad) // self.strides + (2 * pad - size) // self.strides + 1))
            for size, pad in zip(self.size, self.pad, strict=True)
        ]

    def outer_margins(self) -> list[Pair]:
        """Zeros before and after the output, for all shifts back to lie inside."""
        return [
            (
                max(0, (size - 1 - pad) // self.strides),
                max(0, (size - 2 * pad + self.strides - 2) // self.strides - (-pad) // self.strides),
            )
            for size, pad in zip(self.size, self.pad, strict=True)
        ]


def pool_linear(inputs: Tensor, regions: Sequence[Cells], scales: Sequence[float], window: Window) -> Tensor:
    """Scaled sums over regions: (B, H, W, C) to (B, H', W', regions * C).

    The gradient is written out: a sum of as many slices as the pooling itself has. The one that is derived pads each
    slice back to the whole map and adds those up.
    """
    shape = ops.shape(inputs)

    @ops.custom_gradient
    def pool(x: Tensor) -> Tensor:
        def gradient(*arguments: Any, upstream: Tensor | None = None) -> Tensor:
            # torch hands the inputs over too, and the upstream gradient by name.
            return _backward(arguments[0] if upstream is None else upstream, shape, regions, scales, window)

        return _forward(x, regions, scales, window), gradient

    return pool(inputs)


def pool_max(inputs: Tensor, regions: Sequence[Cells], window: Window) -> Tensor:
    """Maxima over regions; zeros around the image count, and of equal values the first gets the gradient."""
    shifted = _shifts(_common.widened(inputs), window)  # the maxima are the same, and gradients are added up wide
    pooled = []
    for cells in regions:
        best = None
        for cell in cells:
            value = shifted(cell)
            best = value if best is None else ops.where(value > best, value, best)
        pooled.append(best)
    return ops.cast(_concatenate(pooled), inputs.dtype)


def _forward(inputs: Tensor, regions: Sequence[Cells], scales: Sequence[float], window: Window) -> Tensor:
    shifted = _shifts(_common.widened(inputs), window)
    sums = [_sum([shifted(cell) for cell in cells], scale) for cells, scale in zip(regions, scales, strict=True)]
    return ops.cast(_concatenate(sums), inputs.dtype)


def _backward(
    upstream: Tensor, shape: Any, regions: Sequence[Cells], scales: Sequence[float], window: Window
) -> Tensor:
    """Every input pixel gathers from the windows that it lies in: the mirrored sum, in each phase."""
    margins, sizes = window.outer_margins(), [-(-length // window.strides) for length in shape[1:3]]
    gathered: dict[Pair, list[Any]] = defaultdict(list)
    for cells, scale, part in zip(regions, scales, _split(_common.widened(upstream), len(regions)), strict=True):
        padded = _pad(part, margins)
        slices: dict[Pair, list[Any]] = defaultdict(list)
        for phase, shift in map(window.place, cells):
            slices[phase].append(
                _slice(padded, [before - n for (before, _), n in zip(margins, shift, strict=True)], sizes)
            )
        for phase, values in slices.items():
            gathered[phase].append(_sum(values, scale))
    phases = {phase: _sum(values, 1) for phase, values in gathered.items()}
    return ops.cast(_merge(phases, shape, window.strides), upstream.dtype)


def _shifts(inputs: Tensor, window: Window) -> Tensor:
    """A function of a cell: the map as every window sees it there."""
    margins, sizes = window.inner_margins(), window.outputs(ops.shape(inputs))
    phases = {phase: _pad(values, margins) for phase, values in _phases(inputs, window.strides).items()}

    def shifted(cell: Pair) -> Tensor:
        phase, shift = window.place(cell)
        return _slice(phases[phase], [before + n for (before, _), n in zip(margins, shift, strict=True)], sizes)

    return shifted


def _phases(inputs: Tensor, strides: int) -> dict[Pair, Any]:
    """The map cut into those of its pixels that are `strides` apart, each (B, H / s, W / s, C), rounded up."""
    if strides == 1:
        return {(0, 0): inputs}
    padded = _pad(inputs, [(0, -length % strides) for length in ops.shape(inputs)[1:3]])
    _, height, width, channels = ops.shape(padded)
    blocks = ops.reshape(padded, (-1, height // strides, strides, width // strides, strides, channels))
    blocks = ops.transpose(blocks, (2, 4, 0, 1, 3, 5))
    return {(i, j): blocks[i, j] for i in range(strides) for j in range(strides)}


def _merge(phases: dict[Pair, Tensor], shape: Any, strides: int) -> Tensor:
    """The map (B, H, W, C) of its phases; those that no window reads are zero."""
    if strides == 1:
        return phases[0, 0]
    zeros = ops.zeros_like(next(iter(phases.values())))
    rows = [ops.stack([phases.get((i, j), zeros) for j in range(strides)], axis=3) for i in range(strides)]
    blocks = ops.stack(rows, axis=2)  # (B, H / s, s, W / s, s, C)
    _, height, _, width, _, channels = ops.shape(blocks)
    return ops.reshape(blocks, (-1, height * strides, width * strides, channels))[:, : shape[1], : shape[2]]


def _sum(values: Sequence[Tensor], scale: float) -> Tensor:
    if not values:
        return None
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total if scale == 1 else total * scale


def _slice(values: Tensor, starts: Sequence[int], sizes: Sequence[Any]) -> Tensor:
    (row, column), (height, width) = starts, sizes
    return values[:, row : row + height, column : column + width]


def _pad(inputs: Tensor, margins: Sequence[tuple[Any, Any]]) -> Tensor:
    some = any(not isinstance(size, int) or size for margin in margins for size in margin)
    return ops.pad(inputs, ((0, 0), *margins, (0, 0))) if some else inputs


def _concatenate(pooled: list[Tensor]) -> Tensor:
    """Joins the channels; a region without cells gives zeros."""
    zeros = ops.zeros_like(next(value for value in pooled if value is not None))
    return ops.concatenate([zeros if value is None else value for value in pooled], axis=-1)


def _split(values: Tensor, parts: int) -> list[Any]:
    return list(ops.split(values, parts, axis=-1)) if parts > 1 else [values]
