from .exporting import export
from .options import check_options

__all__ = ["check_options", "export"]
