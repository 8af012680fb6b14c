from .channels import prune_channels
from .compressing import compress, load_packed
from .converting import to_synaptic
from .criteria import strengths
from .folding import fold
from .masks import choose_masks
from .pruning import prune
from .removing import remove_dead
from .report import SparsityReport, sparsity_report
from .schedule import ScheduledPruning, cubic_ratio

__all__ = [
    "ScheduledPruning",
    "SparsityReport",
    "choose_masks",
    "compress",
    "cubic_ratio",
    "fold",
    "load_packed",
    "prune",
    "prune_channels",
    "remove_dead",
    "sparsity_report",
    "strengths",
    "to_synaptic",
]
