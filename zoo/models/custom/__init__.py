"""Networks of a user's own, described by their Keras configuration: a family without presets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
