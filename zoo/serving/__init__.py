"""The embedded server: TensorFlow Serving's REST and gRPC interfaces over exported version folders."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
