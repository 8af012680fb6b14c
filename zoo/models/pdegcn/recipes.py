"""How the shipped PDE-GCNs are trained: the whole graph a step, the loss on the nodes of the training split."""

from __future__ import annotations

import dataclasses
from typing import Any

from zoo.models.recipe import Recipe

_KERNEL = {"pde/kernel": 3e-5}
_MIXED = _KERNEL | {"pde/alpha": 0.15}


def _citation(dataset: str, **changes: Any) -> Recipe:
    """Adam with decay in the gradient of the opening and closing matrices; the kernels hardly leave the identity.

    The citation graphs list each edge beside its reverse, which the training step may rely on (`paired`).
    """
    recipe = Recipe(
        dataset=dataset,
        epochs=300,
        batch_size=1,
        optimizer="adam",
        schedule="constant",
        learning_rate=0.07,
        learning_rate_multipliers=_KERNEL,
        weight_decay=5e-4,
        decay_kind="l2",
        decay_exclude=("pde/", "bias"),
        selection="best",
        overrides={"paired": True},
    )
    return dataclasses.replace(recipe, **changes)


def _gcn(dataset: str) -> Recipe:
    """Kipf and Welling's rates."""
    return _citation(
        dataset, epochs=200, learning_rate=0.01, learning_rate_multipliers={}, decay_exclude=("bias",), overrides={}
    )


RECIPES = {
    "pdegcn_cora": _citation("cora"),
    "pdegcn_m_cora": _citation("cora", learning_rate_multipliers=_MIXED),
    "pdegcn_tiny_cora": _citation("cora"),
    "gcn_cora": _gcn("cora"),
    "pdegcn_citeseer": _citation("citeseer", weight_decay=3e-3),
    "pdegcn_m_citeseer": _citation("citeseer", learning_rate_multipliers=_MIXED, weight_decay=3e-3),
    "gcn_citeseer": _gcn("citeseer"),
    "pdegcn_pubmed": _citation("pubmed", learning_rate=0.03, weight_decay=1e-4),
}
