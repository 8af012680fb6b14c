"""From a name to a ready model: registry, cards, weights store, download, loading and saving."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
