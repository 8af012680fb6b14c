"""Spatial mixing by generated kernels, with the positions of a map on the last axis.

Each image lies in one row of numbers: its rows one after another, k // 2 zeros after each, and zeros before the first
and after the last. A step of a window is then a shift of the whole row, and every operation runs along it, whatever
the size of the image.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from zoo.layers._common import widened
from zoo.math.values import Tensor


class Rows:
    """How images of one size lie in rows of numbers.

    Args:
        height: of the images.
        width: of the images.
        kernel_size: odd window size.
    """

    def __init__(self, height: Any, width: Any, kernel_size: int) -> None:
        self.height, self.width, self.gap = height, width, kernel_size // 2
        self.pitch = width + self.gap
        self.margin = self.gap * self.pitch + self.gap
        self.core = height * self.pitch
        self.shifts = [row * self.pitch + column for row in range(kernel_size) for column in range(kernel_size)]

    def lay(self, images: Tensor) -> Tensor:
        """(B, H, W, C) to (B, numbers in a row, C)."""
        channels = images.shape[-1]
        wide = ops.pad(images, ((0, 0), (0, 0), (0, self.gap), (0, 0))) if self.gap else images
        return pad(ops.reshape(wide, (-1, self.core, channels)), self.margin, axis=1)

    def lift(self, core: Tensor) -> Tensor:
        """(B, numbers between the margins, C) to (B, H, W, C)."""
        images = ops.reshape(core, (-1, self.height, self.pitch, core.shape[-1]))
        return images[:, :, : self.width] if self.gap else images


def aggregate(kernels: Tensor, values: Tensor, rows: Rows) -> Tensor:
    """out[x] = sum over taps y of kernels[y, x] * values[x + y].

    The gradient is written out: the derived one pads the share of each tap to the whole map, and adds those up.

    Args:
        kernels: (B, slices, taps, numbers in a row).
        values: (B, slices, fields a slice, numbers in a row), zero in gaps and margins.
        rows: how the images lie.

    Returns:
        (B, slices, fields a slice, numbers between the margins); what it has in the gaps means nothing.
    """

    @ops.custom_gradient
    def forward(kernels: Tensor, values: Tensor) -> Tensor:
        def gradient(*arguments: Any, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
            # torch hands the inputs over too, and the upstream gradient by name.
            given = widened(arguments[0] if upstream is None else upstream)
            laid = pad(given, rows.margin)
            found = _kernel_gradient(laid, widened(values), rows), _value_gradient(laid, widened(kernels), rows)
            return ops.cast(found[0], kernels.dtype), ops.cast(found[1], values.dtype)

        return ops.cast(mix(widened(kernels), widened(values), rows), values.dtype), gradient

    return forward(kernels, values)


def mix(kernels: Tensor, values: Tensor, rows: Rows) -> Tensor:
    """What `aggregate` computes, without a gradient of its own."""
    total = 0
    for kernel, shift in zip(_split(_part(kernels, rows.margin, rows.core)), rows.shifts, strict=True):
        total = total + kernel * _part(values, shift, rows.core)
    return total


def _kernel_gradient(upstream: Tensor, values: Tensor, rows: Rows) -> Tensor:
    """Every tap's product with the shifted values, summed over the fields of a slice."""
    length = rows.core + 2 * rows.margin
    values = pad(values, rows.margin)
    taps = []
    for shift in rows.shifts:
        # A sum of slices, which XLA fuses; its reductions are many times slower on CPUs.
        first, *others = ops.unstack(upstream * _part(values, shift, length), axis=2)
        taps.append(sum(others, start=first))
    return ops.stack(taps, axis=2)


def _value_gradient(upstream: Tensor, kernels: Tensor, rows: Rows) -> Tensor:
    """Every value gathers from the windows that it lies in: the mirrored sum."""
    total = 0
    for kernel, shift in zip(_split(kernels), rows.shifts, strict=True):
        total = total + _part(kernel * upstream, 2 * rows.margin - shift, rows.core)
    return pad(total, rows.margin)


def repeat(matrix: Tensor, batch: Any) -> Tensor:
    """A copy of a matrix for each image, (B, ...), so that XLA makes a product an image.

    Of one matrix it makes one product for all of them, and turns the large result round to bring the images to the
    front.
    """
    return ops.broadcast_to(matrix[None], (batch, *matrix.shape))


def pad(inputs: Tensor, margin: Any, axis: int = -1) -> Tensor:
    """Zeros before and after along one axis."""
    if isinstance(margin, int) and not margin:
        return inputs
    widths: list[tuple[Any, Any]] = [(0, 0)] * len(inputs.shape)
    widths[axis] = (margin, margin)
    return ops.pad(inputs, widths)


def _split(kernels: Tensor) -> list[Tensor]:
    """The kernels of each tap, (B, slices, 1, numbers in a row). One operation: TensorFlow traces a slice as four."""
    taps: list[Tensor] = ops.split(kernels, kernels.shape[2], axis=2)
    return taps


def _part(inputs: Tensor, start: Any, length: Any) -> Tensor:
    return inputs[..., start : start + length]
