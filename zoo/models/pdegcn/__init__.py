"""PDE-GCN: graph networks from diffusion and wave equations (Eliasof, Haber and Treister, NeurIPS 2021)."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
