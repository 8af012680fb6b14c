"""Data sets as NumPy arrays, image files, and augmentation for the input pipeline."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
