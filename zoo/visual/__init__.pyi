from ._figure import theme
from .architecture import plot_architecture
from .cams import cam, overlay, plot_cams, with_cam
from .filters import gram_matrix, plot_basis
from .graphs import plot_depths, plot_graph_energy, plot_graph_features
from .learning import plot_confusion, plot_learning_curves
from .log_polar import plot_kernels, plot_receptive_fields, plot_region_scores, plot_regions
from .mistakes import plot_mistakes
from .predictions import plot_predictions
from .pruning import plot_pruned
from .series import plot_series, plot_tradeoff
from .turning import plot_turning, turned

__all__ = [
    "cam",
    "gram_matrix",
    "overlay",
    "plot_architecture",
    "plot_basis",
    "plot_cams",
    "plot_confusion",
    "plot_depths",
    "plot_graph_energy",
    "plot_graph_features",
    "plot_kernels",
    "plot_learning_curves",
    "plot_mistakes",
    "plot_predictions",
    "plot_pruned",
    "plot_receptive_fields",
    "plot_region_scores",
    "plot_regions",
    "plot_series",
    "plot_tradeoff",
    "plot_turning",
    "theme",
    "turned",
    "with_cam",
]
