"""Penalties that training adds to its loss: what the zoo's papers ask of weights and features."""

from zoo.losses.orthogonality import Orthogonality

__all__ = ["Orthogonality"]
