"""Synaptic Strength: convolutional networks whose single connections are pruned (Lin et al., NeurIPS 2018)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
