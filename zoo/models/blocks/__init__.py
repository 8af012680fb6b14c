"""Layers, blocks and ends that the convolutional families have in common; a family injects its convolution."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
