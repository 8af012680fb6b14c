"""Pictures: what models predict and look at, and curves of graph networks. matplotlib is imported when one is drawn."""

from zoo.hub import with_cam
from zoo.visual.cams import cam, overlay, plot_cams
from zoo.visual.graphs import plot_depths, plot_graph_energy
from zoo.visual.predictions import plot_predictions

__all__ = [
    "cam",
    "overlay",
    "plot_cams",
    "plot_depths",
    "plot_graph_energy",
    "plot_predictions",
    "with_cam",
]
