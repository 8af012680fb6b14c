"""Keras losses and regularizers of the zoo's papers."""

from zoo.losses.strength_sparsity import StrengthSparsity, penalty_budget, soft_threshold

__all__ = ["StrengthSparsity", "penalty_budget", "soft_threshold"]
