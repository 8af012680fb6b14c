"""Keras losses, and the class activation maps that they are built on."""

from zoo.losses.class_maps import (
    NORMALIZATIONS,
    check_threshold,
    class_maps,
    high_areas,
    normalize_maps,
    resize_maps,
)
from zoo.losses.erase_policy import ErasePolicy
from zoo.losses.pairwise_consistency_loss import KINDS, PairwiseConsistencyLoss

__all__ = [
    "KINDS",
    "NORMALIZATIONS",
    "ErasePolicy",
    "PairwiseConsistencyLoss",
    "check_threshold",
    "class_maps",
    "high_areas",
    "normalize_maps",
    "resize_maps",
]
