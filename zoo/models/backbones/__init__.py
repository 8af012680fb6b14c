"""Backbones for photographs: no paper of the zoo's own, but a beginning for fine-tuning and for the scene networks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
