"""The family: like zoo's own, it imports what builds networks when that is first needed."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
