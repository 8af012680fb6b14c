"""How the layers of these networks begin, and the pull that keeps their bases orthonormal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.layers import SharedBasisConv2D, SharedFilterBasis
from zoo.losses import Orthogonality
from zoo.models.initializers import he_fan_out
from zoo.models.shared_basis.config import SharedBasisConfig


class Sharing:
    """Makes the shared layers of one network.

    Args:
        config: of the network.
        entries: over how many entries the penalty is a mean, all stages together; None: each basis for itself.
        unique: the penalty takes the unique filters in.
        initializer: makes what unique filters and coefficients begin with under `reference_init`.
        orthogonal: False where the authors' code does not make the bases orthonormal either.
    """

    def __init__(
        self,
        config: SharedBasisConfig,
        *,
        entries: int | None = None,
        unique: bool = False,
        initializer: Any = he_fan_out,
        orthogonal: bool = True,
    ) -> None:
        self.config = config
        self.initializer = initializer
        self.orthonormal_bases = orthogonal or not config.reference_init
        self._unique = unique
        self._entries = entries

    def basis(
        self, x: Any, filters: int, kernel_size: int, name: str, *, bases: int = 1, groups: int = 1
    ) -> tuple[Any, ...]:
        """The sets of shared filters for inputs like `x`, which all layers of a stage take."""
        found = SharedFilterBasis(
            filters,
            kernel_size,
            bases=bases,
            groups=groups,
            kernel_initializer="orthogonal" if self.orthonormal_bases else self.initializer(),
            kernel_regularizer=self._penalty(),
            data_format="channels_last",
            name=name,
        )(x)
        return found if bases > 1 else (found,)

    def conv(
        self,
        x: Any,
        filters: int | None,
        kernel_size: int,
        name: str,
        *,
        bases: Sequence[Any],
        strides: int = 1,
        unique: int = 0,
        groups: int = 1,
        basis_groups: int = 1,
    ) -> Any:
        """A layer of unique filters and the first of the bases; those behind it only enter the penalty."""
        layer = SharedBasisConv2D(
            filters,
            kernel_size,
            strides=strides,
            unique=unique,
            groups=groups,
            basis_groups=basis_groups,
            unique_initializer=self.initializer() if self.config.reference_init else "orthogonal",
            coefficients_initializer=self.initializer() if self.config.reference_init else None,
            orthogonality=self._penalty() if self._unique and unique else None,
            data_format="channels_last",
            name=name,
        )
        return layer(x, *bases)

    def _penalty(self) -> Orthogonality | None:
        config = self.config
        if not config.orthogonality:
            return None
        return Orthogonality(config.orthogonality, reduction=config.reduction, entries=self._entries, side=config.side)
