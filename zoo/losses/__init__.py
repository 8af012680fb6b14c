"""Keras losses and regularizers of the zoo's papers."""

from zoo.losses.strength_sparsity import StrengthSparsity, soft_threshold

__all__ = ["StrengthSparsity", "soft_threshold"]
