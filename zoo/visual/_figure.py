"""Figures without pyplot's global state, written as PNG files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from zoo._writing import whole


def check_png(path: str | os.PathLike[str]) -> None:
    """Raises ValueError unless a picture's name ends in `.png`: before the work of drawing it."""
    if Path(path).suffix.lower() != ".png":
        raise ValueError(f"Expected a file name that ends in .png; got {str(path)!r}.")


def new_figure(width: float, height: float, layout: Any = None) -> Any:
    """A white figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def write(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Writes next to the target and renames, so that no half-written picture is ever seen.

    Raises:
        FileNotFoundError: no such folder.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {target}: the folder {target.parent} does not exist.")
    with whole(target) as part:
        figure.savefig(part, format="png", dpi=110)
    return target
