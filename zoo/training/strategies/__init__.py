"""On which devices a training run happens, and how its work is divided."""

from zoo.training.strategies.base import Strategy
from zoo.training.strategies.choosing import NAMES, choose, fitting

__all__ = ["NAMES", "Strategy", "choose", "fitting"]
