"""The page of the server at `/`: an image in, the prediction and the picture of what mattered out."""

from zoo.serving.page.explaining import explain
from zoo.serving.page.routes import Page

__all__ = ["Page", "explain"]
