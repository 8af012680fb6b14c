"""Layers with shared filters in stock layers: one plain convolution, or the shared one, the own one and a 1x1."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.compression.linear import affine_of
from zoo.layers import SharedBasisConv2D

MODES = ("auto", "bn", "kernel")
"""How layers with shared filters are folded."""

Values = dict[str, list[np.ndarray]]
"""What the new layers hold, by their names."""

Set = tuple[str, int]
"""A set of shared filters: the name of its `SharedFilterBasis` and its number in there."""


@dataclass(frozen=True)
class SharedLinear:
    """A `SharedBasisConv2D` to be made anew.

    Attributes:
        layer: it.
        source: the set of filters that it takes; None without a basis.
        basis: the filters of that set (k, k, channels, S).
        own: the shared filters become the layer's own, in one plain convolution where it has coefficients; else they
            stay in one convolution that all layers call.
        scale: what follows the layer, a factor an output channel.
        offset: what follows the layer, added to an output channel.
    """

    layer: SharedBasisConv2D
    source: Set | None
    basis: np.ndarray | None
    own: bool
    scale: np.ndarray
    offset: np.ndarray

    @property
    def takes_norm(self) -> bool:
        """A normalization behind the layer can be multiplied in: it cannot into filters that others use too."""
        return self.own or self.layer.norm is not None

    def scaled(self, scale: np.ndarray, offset: np.ndarray) -> SharedLinear:
        """The layer followed by `scale * y + offset` on every output channel."""
        return dataclasses.replace(self, scale=self.scale * scale, offset=self.offset * scale + offset)

    def connect(self, name: str, x: Any, values: Values, sets: dict[Set, keras.layers.Conv2D]) -> Any:
        """Calls new stock layers on `x`, and notes their values; a convolution by shared filters is made once."""
        if self.layer.norm is None:
            return self._responses(name, x, values, sets)
        matrix, bias = self._coefficients()
        if self.own:
            return self._conv(name, self._filters() @ matrix, bias, values)(x)
        responses = self._responses(name, x, values, sets)
        return self._conv(name, matrix[None, None], bias, values)(responses)

    def _responses(self, name: str, x: Any, values: Values, sets: dict[Set, keras.layers.Conv2D]) -> Any:
        """What unique and shared filters respond, one behind the other."""
        unique, responses = self.layer.unique, []
        if unique:
            kernel, offset = self._part(_array(self.layer.unique_kernel), 0)
            responses.append(self._conv(f"{name}_unique", kernel, offset, values, self.layer.groups)(x))
        if self.basis is not None and self.own:
            kernel, offset = self._part(self.basis, unique)
            responses.append(self._conv(f"{name}_shared", kernel, offset, values, self.layer.basis_groups)(x))
        elif self.basis is not None and self.source is not None:
            if self.source not in sets:
                title = f"{self.source[0]}_{self.source[1] + 1}"
                sets[self.source] = self._conv(title, self.basis, None, values, self.layer.basis_groups)
            responses.append(sets[self.source](x))
        if len(responses) == 1:
            return responses[0]
        return keras.layers.Concatenate(name=f"{name}_join", dtype=self.layer.dtype_policy)(responses)

    def _part(self, kernel: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Filters of the layer's own with their part of what follows, where no coefficients come between."""
        if self.layer.norm is not None or not self.own:
            return kernel, None
        channels = slice(start, start + kernel.shape[-1])
        return kernel * self.scale[channels], self.offset[channels]

    def _coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix (U + S, filters) and bias of the 1x1 convolution, with both normalizations in it."""
        scale, offset = affine_of(self.layer.norm)  # type: ignore[misc]
        matrix = _array(self.layer.coefficients)[0, 0] * self.scale
        return scale[:, None] * matrix, offset @ matrix + self.offset

    def _filters(self) -> np.ndarray:
        """All filters of the layer, (k, k, channels, U + S)."""
        filters = []
        if self.layer.unique:
            filters.append(_dense(_array(self.layer.unique_kernel), self.layer.groups))
        if self.basis is not None:
            filters.append(_dense(self.basis, self.layer.basis_groups))
        return np.concatenate(filters, axis=-1)

    def _conv(
        self, name: str, kernel: np.ndarray, bias: np.ndarray | None, values: Values, groups: int = 1
    ) -> keras.layers.Conv2D:
        values[name] = [array.astype("float32") for array in (kernel, bias) if array is not None]
        return keras.layers.Conv2D(
            kernel.shape[-1],
            kernel.shape[:2],
            padding="same",
            groups=groups,
            use_bias=bias is not None,
            data_format="channels_last",
            dtype=self.layer.dtype_policy,
            name=name,
        )


def shared_linear_of(layer: SharedBasisConv2D, source: Set | None, basis: Any, mode: str) -> SharedLinear:
    """How a layer with shared filters is folded in a mode of `MODES`."""
    own = mode == "kernel" or (mode == "auto" and _plain_is_cheaper(layer))
    outputs = layer.unique + layer.shared if layer.filters is None else layer.filters
    filters = None if basis is None else _array(basis)
    return SharedLinear(layer, source, filters, own, np.ones(outputs), np.zeros(outputs))


def _plain_is_cheaper(layer: SharedBasisConv2D) -> bool:
    """Whether one plain convolution has fewer multiply-accumulates than basis and coefficients."""
    if layer.filters is None:
        return False
    plain = layer.kernel_size**2 * layer.channels * layer.filters
    return plain < layer.macs((1, 1, 1, layer.channels))


def _dense(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A grouped kernel (k, k, channels / groups, filters) with its zeros written out."""
    size, _, seen, filters = kernel.shape
    dense = np.zeros((size, size, seen * groups, filters))
    each = filters // groups
    for group in range(groups):
        outputs = slice(group * each, (group + 1) * each)
        dense[:, :, group * seen : (group + 1) * seen, outputs] = kernel[..., outputs]
    return dense


def _array(value: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(value), np.float64)
