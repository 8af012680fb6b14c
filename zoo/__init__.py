"""zoo: models from papers as trained Keras networks, with their layers.

The public names are in `__init__.pyi`; each is imported when it is first used, so that listing models, reading cards
and `zoo --help` load no backend.
"""

from typing import Any

import lazy_loader

from zoo import _startup

_find, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A public name, on its first use."""
    if name not in __all__ and not name.startswith("_"):
        from zoo._suggestions import did_you_mean

        if hint := did_you_mean(name, __all__):
            raise AttributeError(f"zoo has no {name!r}.{hint}")
    _startup.prepare_backend(name)
    found = _find(name)
    _startup.register_classes()
    return found


_startup.register_classes()
