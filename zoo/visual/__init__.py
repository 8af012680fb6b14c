"""Pictures: what models predict. matplotlib is imported when one is drawn."""

from zoo.visual.predictions import plot_predictions

__all__ = ["plot_predictions"]
