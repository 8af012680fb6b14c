"""Training by recipe, and publishing what came out."""

from zoo.training.loop import train

__all__ = ["train"]
