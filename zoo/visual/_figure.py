"""The style of every picture, light or dark, and how it is written: PNG or SVG, without pyplot's global state.

The colours of lines and points are those of Okabe and Ito, which colour-blind readers tell apart; ordered values take
`cividis`, signed ones go from blue over the ground of the page to orange. Nothing is said by colour alone: lines have
markers, wrong answers a frame.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from zoo._writing import check_file, whole

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
MARKERS = ("o", "s", "^", "D", "v", "P")
RIGHT, WRONG, UNJUDGED = COLOURS[2], COLOURS[1], COLOURS[0]
ORDERED = "cividis"
FORMATS = (".png", ".svg")
_DPI = 110
_INSIDE = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z])")
"""Where a word begins inside of another; that of iPod is none."""


@dataclass(frozen=True)
class Theme:
    """Colours of the ground, of text, of what is less important, and of lines that only guide the eye."""

    ground: str
    ink: str
    other: str
    faint: str


THEMES = {
    "light": Theme("#ffffff", "#222222", "#8a8a8a", "#e6e6e6"),
    "dark": Theme("#1f2129", "#e4e5ea", "#8d919c", "#3a3d48"),
}
_theme: ContextVar[Theme] = ContextVar("theme", default=THEMES["light"])

_P = ParamSpec("_P")
_R = TypeVar("_R")


@contextlib.contextmanager
def theme(name: str) -> Iterator[None]:
    """Pictures that are drawn inside have the colours of a light or a dark page.

    Args:
        name: `"light"`, which is the default elsewhere, or `"dark"`.

    Raises:
        ValueError: another name.

    Example:
        >>> import pathlib, tempfile, zoo
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "energy.svg"
        >>> with zoo.visual.theme("dark"):
        ...     "#1f2129" in zoo.visual.plot_graph_energy({"D": [2.0, 1.5]}, path=path).read_text()
        True
    """
    if name not in THEMES:
        raise ValueError(f"Expected a theme of {', '.join(THEMES)}; got {name!r}.")
    token = _theme.set(THEMES[name])
    try:
        yield
    finally:
        _theme.reset(token)


def current() -> Theme:
    """The colours to draw with."""
    return _theme.get()


def signed() -> Any:
    """Colours of values below and above 0, which is the ground of the page."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("signed", [COLOURS[0], current().ground, COLOURS[1]])


def drawn(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Lets a function draw in zoo's style; it imports matplotlib when it is called."""

    @functools.wraps(function)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        import matplotlib

        with matplotlib.rc_context(_style(current())):
            return function(*args, **kwargs)

    return styled


def _style(colours: Theme) -> dict[str, Any]:
    inked = ("axes.labelcolor", "axes.titlecolor", "text.color", "xtick.labelcolor", "ytick.labelcolor")
    return {
        **dict.fromkeys(inked, colours.ink),
        **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), colours.other),
        **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor"), colours.ground),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
        "axes.axisbelow": True,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "figure.titlesize": 12,
        "figure.titleweight": "bold",
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "grid.color": colours.faint,
        "legend.fontsize": 9,
        "lines.linewidth": 1.8,
        "lines.markersize": 4,
        "svg.fonttype": "path",
        "svg.hashsalt": "zoo",
    }


_NAMES = ("EntleBucher",)
"""Labels that are one word, whatever they look like."""


def words(label: object) -> str:
    """A class as a picture shows it: `art_gallery` as "art gallery", `InsideCity` as "Inside City".

    Only what is shown changes; answers and files keep the label.
    """
    text = str(label).replace("_", " ").strip() or str(label)
    return text if text in _NAMES else _INSIDE.sub(" ", text)


def check_picture(path: str | os.PathLike[str]) -> None:
    """An error unless a picture's name ends in `.png` or `.svg` and its folder is there: before the work of drawing."""
    check_file(path, FORMATS)


def new_figure(width: float, height: float, layout: Any = None) -> Any:
    """An empty figure of so many inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=current().ground, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def write(figure: Any, path: str | os.PathLike[str]) -> Path:
    """Writes next to the target and renames, so that no half-written picture is ever seen.

    Raises:
        FileNotFoundError: no such folder.
    """
    target = Path(path)
    check_picture(target)
    kind = target.suffix.lower().removeprefix(".")
    metadata = {"Date": None} if kind == "svg" else {"Software": None}  # the same picture is the same file
    with whole(target) as part:
        figure.savefig(part, format=kind, dpi=_DPI, metadata=metadata)
    return target
