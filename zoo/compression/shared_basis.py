"""Layers with shared filters in stock layers: one plain convolution, or the shared one, the own one and a 1x1."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo.compression.linear import affine_of
from zoo.layers.protocol import SharedFilters

MODES = ("auto", "bn", "kernel")
"""How layers with shared filters are folded."""

Values = dict[str, list[np.ndarray]]
"""What the new layers hold, by their names."""

Set = tuple[str, int]
"""A set of shared filters: the name of its `SharedFilterBasis` and its number in there."""


@dataclass(frozen=True)
class SharedLinear:
    """A convolution by shared filters to be made anew.

    Attributes:
        layer: it.
        parts: what it is made of.
        source: the set of filters that it takes; None without a basis.
        basis: the filters of that set (k, k, channels, S).
        own: the shared filters become the layer's own, in one plain convolution where it has coefficients; else they
            stay in one convolution that all layers call.
        scale: what follows the layer, a factor an output channel.
        offset: what follows the layer, added to an output channel.
    """

    layer: Any
    parts: SharedFilters
    source: Set | None
    basis: np.ndarray | None
    own: bool
    scale: np.ndarray
    offset: np.ndarray

    @property
    def takes_norm(self) -> bool:
        """A normalization behind the layer can be multiplied in: it cannot into filters that others use too."""
        return self.own or self.parts.coefficients is not None

    def scaled(self, scale: np.ndarray, offset: np.ndarray) -> SharedLinear:
        """The layer followed by `scale * y + offset` on every output channel."""
        return dataclasses.replace(self, scale=self.scale * scale, offset=self.offset * scale + offset)

    def connect(self, name: str, x: Any, values: Values, sets: dict[Set, keras.layers.Conv2D]) -> Any:
        """Calls new stock layers on `x`, and notes their values; a convolution by shared filters is made once."""
        if self.parts.coefficients is None:
            return self._responses(name, x, values, sets)
        matrix, bias = self._coefficients()
        if self.own:
            return self._conv(name, self._filters() @ matrix, bias, values)(x)
        responses = self._responses(name, x, values, sets)
        return self._conv(name, matrix[None, None], bias, values)(responses)

    def _responses(self, name: str, x: Any, values: Values, sets: dict[Set, keras.layers.Conv2D]) -> Any:
        """What unique and shared filters respond, one behind the other."""
        unique, responses = 0, []
        if self.parts.unique is not None:
            unique = self.parts.unique.shape[-1]
            kernel, offset = self._part(self.parts.unique, 0)
            responses.append(self._conv(f"{name}_unique", kernel, offset, values, self.parts.groups)(x))
        if self.basis is not None and self.own:
            kernel, offset = self._part(self.basis, unique)
            responses.append(self._conv(f"{name}_shared", kernel, offset, values, self.parts.basis_groups)(x))
        elif self.basis is not None and self.source is not None:
            if self.source not in sets:
                title = f"{self.source[0]}_{self.source[1] + 1}"
                sets[self.source] = self._conv(title, self.basis, None, values, self.parts.basis_groups)
            responses.append(sets[self.source](x))
        if len(responses) == 1:
            return responses[0]
        return keras.layers.Concatenate(name=f"{name}_join", dtype=self.layer.dtype_policy)(responses)

    def _part(self, kernel: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Filters of the layer's own with their part of what follows, where no coefficients come between."""
        if self.parts.coefficients is not None or not self.own:
            return kernel, None
        channels = slice(start, start + kernel.shape[-1])
        return kernel * self.scale[channels], self.offset[channels]

    def _coefficients(self) -> tuple[np.ndarray, np.ndarray]:
        """Matrix (U + S, filters) and bias of the 1x1 convolution, with both normalizations in it."""
        coefficients = np.asarray(self.parts.coefficients)
        matrix = coefficients * self.scale
        scale, offset = np.ones(len(coefficients)), np.zeros(len(coefficients))
        if self.parts.norm is not None:
            scale, offset = affine_of(self.parts.norm)  # type: ignore[misc]  # one that is known: see `fold`
        return scale[:, None] * matrix, offset @ matrix + self.offset

    def _filters(self) -> np.ndarray:
        """All filters of the layer, (k, k, channels, U + S)."""
        filters = []
        if self.parts.unique is not None:
            filters.append(_dense(self.parts.unique, self.parts.groups))
        if self.basis is not None:
            filters.append(_dense(self.basis, self.parts.basis_groups))
        return np.concatenate(filters, axis=-1)

    def _conv(
        self, name: str, kernel: np.ndarray, bias: np.ndarray | None, values: Values, groups: int = 1
    ) -> keras.layers.Conv2D:
        values[name] = [array for array in (kernel, bias) if array is not None]
        return keras.layers.Conv2D(
            kernel.shape[-1],
            kernel.shape[:2],
            padding="same",
            groups=groups,
            use_bias=bias is not None,
            data_format="channels_last",
            dtype=self.layer.dtype_policy,
            trainable=self.layer.trainable,
            name=name,
        )


def shared_linear_of(layer: Any, source: Set | None, basis: Any, mode: str) -> SharedLinear:
    """How a layer that offers `shared_filters` is folded in a mode of `MODES`."""
    parts: SharedFilters = layer.shared_filters()
    filters = None if basis is None else np.asarray(keras.ops.convert_to_numpy(basis), np.float64)
    own = mode == "kernel" or (mode == "auto" and _plain_is_cheaper(layer, parts, filters))
    outputs = layer.output.shape[-1]
    return SharedLinear(layer, parts, source, filters, own, np.ones(outputs), np.zeros(outputs))


def _plain_is_cheaper(layer: Any, parts: SharedFilters, basis: np.ndarray | None) -> bool:
    """Whether one plain convolution has fewer multiply-accumulates than basis and coefficients."""
    kernel, groups = (basis, parts.basis_groups) if parts.unique is None else (parts.unique, parts.groups)
    if parts.coefficients is None or kernel is None:
        return False
    channels = kernel.shape[2] * groups
    plain = kernel.shape[0] * kernel.shape[1] * channels * parts.coefficients.shape[1]
    return plain < layer.macs((1, 1, 1, channels))


def _dense(kernel: np.ndarray, groups: int) -> np.ndarray:
    """A grouped kernel (k, k, channels / groups, filters) with its zeros written out."""
    size, _, seen, filters = kernel.shape
    dense = np.zeros((size, size, seen * groups, filters))
    each = filters // groups
    for group in range(groups):
        outputs = slice(group * each, (group + 1) * each)
        dense[:, :, group * seen : (group + 1) * seen, outputs] = kernel[..., outputs]
    return dense
