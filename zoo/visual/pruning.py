"""A pruned network beside the dense one, layer by layer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from zoo.visual._figure import COLOURS, check_picture, current, drawn, new_figure, write


@drawn
def plot_pruned(
    layers: Mapping[str, tuple[int, int]], *, path: str | os.PathLike[str], title: str | None = None
) -> Path:
    """Draws for each layer how many weights it had and how many are left.

    Args:
        layers: weights left and weights of the dense network, by the layer's name: of a
            `zoo.compression.sparsity_report`, `layer.kept * layer.weights_each` and
            `layer.connections * layer.weights_each`.
        path: the PNG or SVG file to write; its folder must exist.
        title: a line above; by default how many weights are left of how many.

    Returns:
        The path.

    Raises:
        ValueError: no layers, numbers that cannot be, or another ending than `.png` or `.svg`.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "pruned.svg"
        >>> plot_pruned({"conv1": (9, 90), "conv2": (300, 900)}, path=path).stat().st_size > 1000
        True
    """
    check_picture(path)
    if not layers or any(not 0 <= left <= whole or whole == 0 for left, whole in layers.values()):
        raise ValueError("Expected for one or more layers the weights that are left, and at least as many before.")
    left, whole = (sum(counts[place] for counts in layers.values()) for place in (0, 1))
    figure = new_figure(6.8, 1.2 + 0.27 * len(layers), "constrained")
    axes = figure.add_subplot()
    rows = range(len(layers))
    axes.barh(rows, [counts[1] for counts in layers.values()], color=current().faint, label="dense")
    axes.barh(rows, [counts[0] for counts in layers.values()], color=COLOURS[0], label="left")
    for row, (kept, before) in enumerate(layers.values()):
        axes.annotate(f"{kept / before:.1%}", (before, row), (4, 0), textcoords="offset points", va="center")
    axes.set_yticks(rows, list(layers))
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.01)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set(xlabel="weights of the kernels", title=title or f"{left:,} of {whole:,} weights left ({left / whole:.1%})")
    figure.legend(loc="outside lower center", ncols=2)
    return write(figure, path)
