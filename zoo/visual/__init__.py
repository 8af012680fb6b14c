"""Pictures: predictions, curves of graph networks, log-polar kernels. matplotlib is imported when one is drawn."""

from zoo.visual.graphs import plot_depths, plot_graph_energy
from zoo.visual.log_polar import plot_kernels, plot_receptive_fields, plot_region_scores, plot_regions
from zoo.visual.predictions import plot_predictions

__all__ = [
    "plot_depths",
    "plot_graph_energy",
    "plot_kernels",
    "plot_predictions",
    "plot_receptive_fields",
    "plot_region_scores",
    "plot_regions",
]
