"""Curves of graph networks as PNG files."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from zoo.visual import plot_depths, plot_graph_energy

pytestmark = pytest.mark.once


def test_energies_are_drawn_relative_to_the_start(tmp_path: Path) -> None:
    path = plot_graph_energy({"D": np.array([2.0, 1.0]), "H": [4.0, 2.0]}, path=tmp_path / "a.png", title="energy")
    same = plot_graph_energy({"D": [1.0, 0.5], "H": [1.0, 0.5]}, path=tmp_path / "b.png", title="energy")
    assert (matplotlib.image.imread(path) == matplotlib.image.imread(same)).all()
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["a.png", "b.png"]


def test_depths_may_come_in_any_order(tmp_path: Path) -> None:
    path = plot_depths({"GCN": {64: 30.0, 2: 80.0}}, path=tmp_path / "a.png")
    same = plot_depths({"GCN": {2: 80.0, 64: 30.0}}, path=tmp_path / "b.png")
    assert (matplotlib.image.imread(path) == matplotlib.image.imread(same)).all()


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="start above 0"):
        plot_graph_energy({"D": [0.0, 1.0]}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="one or more curves of finite values"):
        plot_depths({}, path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"ends in \.png"):
        plot_depths({"D": {2: 1.0}}, path=tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="start above 0"):
        plot_graph_energy({"D": [-1.0, 1.0]}, path=tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        plot_depths({"D": {2: 1.0}}, path=tmp_path / "no" / "a.png")


@pytest.mark.parametrize(
    ("energies", "words"),
    [
        ([1.0, 0.5], r'energies by name, as \{"D": \[2.0, 1.5\]\}; got list'),
        ({"D": 3.0}, "energies of 'D' as a list of numbers; got 3.0"),
        ({"D": ["a"]}, r"energies of 'D' as a list of numbers; got \['a'\]"),
        ({"D": np.ones((2, 3))}, "energies of 'D' as a list of numbers"),
        ({"D": [[1.0], [2.0, 3.0]]}, "energies of 'D' as a list of numbers"),
    ],
)
def test_no_energies(energies: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        plot_graph_energy(energies, path=tmp_path / "a.png")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accuracies", "words"),
    [
        ([80.0], "by name and depth, as .*; got a list"),
        ({2: 80.0, 4: 81.0}, "by name and depth, as .*; got a float"),
        ({"D": {"2": 80.0}}, "`depth of D` to be a positive integer; got '2'"),
        ({"D": {0: 80.0, 2: 81.0}}, "`depth of D` .* got 0"),
        ({"D": {2: "a"}}, "accuracies of 'D' as a list of numbers"),
        ({"D": {2: float("nan")}}, "finite values"),
        ({"D": {}}, "finite values"),
    ],
)
def test_no_accuracies(accuracies: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words):
        plot_depths(accuracies, path=tmp_path / "a.png")  # type: ignore[arg-type]
