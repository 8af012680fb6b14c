"""Pictures: what models predict, and curves of graph networks. matplotlib is imported when one is drawn."""

from zoo.visual.graphs import plot_depths, plot_graph_energy
from zoo.visual.predictions import plot_predictions

__all__ = ["plot_depths", "plot_graph_energy", "plot_predictions"]
