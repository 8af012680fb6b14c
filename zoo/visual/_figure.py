"""Figures without pyplot's global state, written as PNG files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def check_png(path: str | os.PathLike[str]) -> Path:
    """Returns the path of a picture.

    Raises:
        ValueError: another ending than `.png`.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise ValueError(f"Expected a file name that ends in .png; got {str(path)!r}.")
    return target


def new_figure(width: float, height: float, layout: Any = None) -> Any:
    """A white figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white", layout=layout)
    FigureCanvasAgg(figure)
    return figure


def write(figure: Any, path: Path) -> Path:
    """Writes next to the target and renames, so that no half-written picture is ever seen.

    Raises:
        FileNotFoundError: no such folder.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: the folder {path.parent} does not exist.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        figure.savefig(partial, format="png", dpi=110)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
