"""NumPy-only mathematics: groups and their actions, sampling rules, log-polar maps, graphs and their stability."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
