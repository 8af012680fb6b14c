from .exporting import export

__all__ = ["export"]
