"""Keras optimizers: learning rates by layer around any of Keras' own, and SGD and Adam as the papers used them."""

from zoo.optimizers.layer_wise import LayerWise
from zoo.optimizers.paper import SGD, Adam

__all__ = ["SGD", "Adam", "LayerWise"]
