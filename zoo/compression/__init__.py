"""Smaller and faster forms of trained models: folding."""

from zoo.compression.folding import fold

__all__ = ["fold"]
