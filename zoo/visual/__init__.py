"""Pictures: what models predict and look at, and curves of graph networks. matplotlib is imported when one is drawn."""

from zoo.models.class_maps import with_cam
from zoo.visual.cams import cam, overlay, plot_cams
from zoo.visual.filters import gram_matrix, plot_basis
from zoo.visual.graphs import plot_depths, plot_graph_energy
from zoo.visual.learning import plot_confusion, plot_learning_curves
from zoo.visual.log_polar import plot_kernels, plot_receptive_fields, plot_region_scores, plot_regions
from zoo.visual.predictions import plot_predictions

__all__ = [
    "cam",
    "gram_matrix",
    "overlay",
    "plot_basis",
    "plot_cams",
    "plot_confusion",
    "plot_depths",
    "plot_graph_energy",
    "plot_kernels",
    "plot_learning_curves",
    "plot_predictions",
    "plot_receptive_fields",
    "plot_region_scores",
    "plot_regions",
    "with_cam",
]
