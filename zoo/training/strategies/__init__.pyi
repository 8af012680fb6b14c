from .base import Strategy
from .choosing import choose, fitting
from .names import NAMES

__all__ = ["NAMES", "Strategy", "choose", "fitting"]
