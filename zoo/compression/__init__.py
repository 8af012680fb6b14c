"""Smaller and faster forms of trained models: folding, pruning of connections, compaction, packing."""

from zoo.compression.channels import prune_channels
from zoo.compression.closing import close
from zoo.compression.compressing import compress, load_packed
from zoo.compression.converting import to_synaptic
from zoo.compression.criteria import strengths
from zoo.compression.folding import fold
from zoo.compression.masks import choose_masks
from zoo.compression.pruning import prune
from zoo.compression.report import SparsityReport, sparsity_report
from zoo.compression.schedule import ScheduledPruning, cubic_ratio

__all__ = [
    "ScheduledPruning",
    "SparsityReport",
    "choose_masks",
    "close",
    "compress",
    "cubic_ratio",
    "fold",
    "load_packed",
    "prune",
    "prune_channels",
    "sparsity_report",
    "strengths",
    "to_synaptic",
]
