"""NumPy-only mathematics: groups and their actions, sampling rules."""

from zoo.math.groups import GROUPS, Group, get_group
from zoo.math.sampling import is_exact, output_size, symmetric_padding

__all__ = ["GROUPS", "Group", "get_group", "is_exact", "output_size", "symmetric_padding"]
