"""Keras losses and regularizers of the zoo's papers, and the class activation maps that some are built on."""

from zoo.losses.erase_policy import ErasePolicy
from zoo.losses.maps import (
    NORMALIZATIONS,
    check_threshold,
    class_maps,
    high_areas,
    normalize_maps,
    resize_maps,
)
from zoo.losses.orthogonality import Orthogonality
from zoo.losses.pairwise_consistency_loss import KINDS, PairwiseConsistencyLoss
from zoo.losses.strength_sparsity import StrengthSparsity, penalty_budget, soft_threshold

__all__ = [
    "KINDS",
    "NORMALIZATIONS",
    "ErasePolicy",
    "Orthogonality",
    "PairwiseConsistencyLoss",
    "StrengthSparsity",
    "check_threshold",
    "class_maps",
    "high_areas",
    "normalize_maps",
    "penalty_budget",
    "resize_maps",
    "soft_threshold",
]
