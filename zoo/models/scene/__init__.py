"""Scene classifiers with class activation maps, and pairwise-consistency training (our reading of NeurIPS 2021)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
