"""Measuring models: predictions, accuracy, equivariance, arithmetic, receptive fields, focus areas, graph energies."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
