"""Blocks in the three forms: plain, with strengths, with strengths as products."""

from __future__ import annotations

from functools import partial
from typing import Any

from zoo.layers import SynapticConv2D
from zoo.losses import StrengthSparsity
from zoo.models.blocks import Blocks, conv, norm
from zoo.models.synaptic.config import SynapticConfig

FORMS = ("parameter", "product", "plain")


def check_form(config: SynapticConfig) -> None:
    """Raises ValueError for an unknown form, and for a penalty on strengths that are not there."""
    if config.form not in FORMS:
        raise ValueError(f"Expected form to be one of {FORMS}; got {config.form!r}.")
    if config.form == "plain" and (config.strength_l1 or config.group_l1):
        raise ValueError("A plain network has no strengths to penalise: leave strength_l1 and group_l1 at 0.")


def blocks_of(config: SynapticConfig) -> Blocks:
    """Plain blocks; or of convolutions with strengths and normalizations without scale, as the strengths have it."""
    if config.form == "plain":
        return Blocks()
    penalised = config.strength_l1 or config.group_l1

    def synaptic(*arguments: Any, **options: Any) -> Any:
        penalty = StrengthSparsity(config.strength_l1, config.group_l1) if penalised else None
        options |= {"layer": SynapticConv2D, "form": config.form, "strength_regularizer": penalty}
        return conv(*arguments, **options)

    return Blocks(conv=synaptic, norm=partial(norm, scale=False))
