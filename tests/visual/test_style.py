"""One style: light and dark, PNG and SVG, the same bytes for the same picture."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

from zoo.visual import plot_series, theme

pytestmark = pytest.mark.once

LINES = {"D": ([1, 2, 4], [1.0, 2.0, 3.0]), "GCN": ([1, 2, 4], [3.0, float("nan"), 1.0])}


def test_dark_pictures_have_a_dark_ground_and_settings_come_back(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    light = plot_series(LINES, path=tmp_path / "a.svg", labels=("x", "y"), logarithmic=True).read_text()
    with theme("dark"):
        dark = plot_series(LINES, path=tmp_path / "b.svg", labels=("x", "y")).read_text()
    again = plot_series(LINES, path=tmp_path / "c.svg", labels=("x", "y"), logarithmic=True).read_text()
    assert "#1f2129" in dark and "#1f2129" not in light and light == again
    assert dict(matplotlib.rcParams) == before


def test_no_other_theme() -> None:
    with pytest.raises(ValueError, match="theme of light, dark; got 'sepia'"), theme("sepia"):
        pass


def test_bands_and_what_cannot_be_drawn(tmp_path: Path) -> None:
    banded = plot_series(LINES, path=tmp_path / "a.svg", labels=("x", "y"), spread={"D": [0.1, 0.2, 0.3]}).read_text()
    assert "PolyCollection" in banded or "FillBetween" in banded
    for wrong in ({}, {"D": ([1], [1.0, 2.0])}, {"D": ([1], [float("nan")])}):
        with pytest.raises(ValueError, match="curves of finite values"):
            plot_series(wrong, path=tmp_path / "a.png", labels=("x", "y"))
