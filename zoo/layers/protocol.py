"""What a layer may offer to the rest of zoo: one protocol an offer, none of which it must have.

Folding, pruning, counting, exporting, measuring and training ask for these and for no class by its name, so that a
layer of your own takes part like those of `zoo.layers`. An offer is a method or attribute of the layer's class; nothing
is registered or inherited. `zoo.testing.check_layer` checks what a layer offers.

A method speaks of the call of the class that defines it. Where a subclass has a `call` of its own, what it inherits
does not count: see `offers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from zoo.math.values import Tensor

Affine = tuple[np.ndarray, np.ndarray]
"""Scale and offset a channel."""


class OffersConvolution(Protocol):
    """A layer that is an ordinary convolution in inference. `zoo.fold` and exports other than SavedModel use it."""

    def plain_convolution(self) -> tuple[Tensor, Tensor | None, int, int | tuple[int, int]] | None:
        """Kernel (kh, kw, input channels, output channels), bias or None, stride, and zeros on each side of the image.

        The zeros are one number, or two where rows and columns differ; None for settings that make it no convolution.
        It is all that the layer does: no activation follows.
        """


class OffersAffine(Protocol):
    """A normalization that in inference is `scale * x + offset` a channel of the last axis. `zoo.fold` uses it."""

    def affine(self) -> Affine:
        """Scale and offset, float64 (channels,) each."""


class OffersIdentity(Protocol):
    """A layer that changes nothing in inference, such as a dropout: `zoo.fold` leaves it out."""

    identity_in_inference: bool


class OffersMacs(Protocol):
    """A layer whose arithmetic is known. `zoo.evaluation.count_macs` uses it."""

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates for one sample of the first input, by the layer's definition; 0 for what has none."""


class OffersPreparation(Protocol):
    """A layer that chooses between ways to compute. `zoo.export` uses it."""

    def prepare_export(self) -> None:
        """Called once on the copy that is written: choose what suits any device. The function stays the same."""


class OffersFusion(Protocol):
    """A layer of many small operations on one map, which XLA makes one of also on CPUs. `zoo.hub.suits_xla` uses it."""

    gains_from_xla: bool


class OffersStatistics(Protocol):
    """A layer with statistics of its batches, which it follows by `momentum`. Training of averages uses it.

    With `momentum` 0 a call with `training=True` leaves the batch's own statistics.
    """

    moving_mean: Tensor
    moving_variance: Tensor
    momentum: float


class OffersStrengths(Protocol):
    """A convolution whose connections can be pruned one by one: pairs of an input and an output channel.

    It also has `filters`, `kernel_size`, `bias`, `use_bias`, `activation` and `data_format` as `Conv2D` does.
    """

    mask: Tensor
    """Variable (Cin, Cout): 0 where a connection is pruned."""

    def plain_kernel(self, *, masked: bool = True) -> np.ndarray:
        """The kernel in double precision, (kh, kw, Cin, Cout); with `masked=False` as if nothing were pruned."""

    def plain_strengths(self) -> np.ndarray:
        """How strong every connection is, pruned or not, in double precision, (Cin, Cout)."""

    def plain_config(self) -> dict[str, Any]:
        """Arguments of the `Conv2D` that computes the same, but for its name, `use_bias` and `trainable`."""

    def masked_variables(self) -> list[Any]:
        """The variables whose last two axes are connections, that of the mask included."""

    def set_mask(self, mask: np.ndarray) -> None:
        """Prunes to these connections, bool (Cin, Cout): all that belongs to the others becomes exactly 0."""


@dataclass(frozen=True)
class SharedFilters:
    """What a convolution is made of that takes filters from another layer.

    Attributes:
        unique: its own filters (k, k, channels / groups, U), or None.
        groups: of those.
        shared: number of the filters that it is given.
        basis_groups: of those.
        norm: the layer of the normalization behind both kinds, Keras' own or one that offers `affine`, or None.
        coefficients: the 1x1 convolution behind that, (U + shared, filters), or None.
    """

    unique: np.ndarray | None
    groups: int
    shared: int
    basis_groups: int
    norm: Any
    coefficients: np.ndarray | None


class OffersSharedFilters(Protocol):
    """A convolution by filters of its own and by those that are its second input. `zoo.fold` uses it, with `macs`."""

    def shared_filters(self) -> SharedFilters:
        """What it is made of."""


class OffersFilterSets(Protocol):
    """The layer that such a convolution gets its filters from."""

    def sets(self) -> tuple[Tensor, ...]:
        """The sets of filters in the order of the layer's outputs, each (k, k, channels / groups, filters)."""


class OffersEnergies(Protocol):
    """A layer of a graph that steps through time. `zoo.evaluation.graph_energy` and `check_step_size` use it."""

    step_size: float
    normalization: str | None

    def energies(self, nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """The energy after each step for one graph, nodes (N, C) and edges (E, 2)."""

    def states(self, nodes: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """The nodes before the first step and after each, (depth + 1, N, C)."""

    def stable_step(self, edges: np.ndarray, nodes: int) -> float:
        """The largest step that does not blow up on a graph of so many nodes."""


def offers(layer: Any, name: str) -> bool:
    """Whether a layer has a method or attribute of this name that speaks of its call.

    Args:
        layer: of any class.
        name: of the method or attribute.

    Returns:
        False where a subclass has a `call` of its own above the class that offers it.

    Example:
        >>> from zoo.layers import GConv2D
        >>> class Doubled(GConv2D):
        ...     def call(self, inputs):
        ...         return 2 * super().call(inputs)
        >>> offers(GConv2D(4, 3), "macs"), offers(Doubled(4, 3), "macs")
        (True, False)
    """
    for kind in type(layer).__mro__:
        if name in vars(kind):
            return True
        if "call" in vars(kind) or "__call__" in vars(kind):
            return False
    return False


def has_strengths(layer: Any) -> bool:
    """Whether a layer's connections can be pruned: see `OffersStrengths`."""
    return offers(layer, "plain_strengths")
