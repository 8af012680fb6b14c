"""Training by recipe, and publishing what came out."""

from zoo.training.loop import train
from zoo.training.publishing import publish

__all__ = ["publish", "train"]
