"""Mistakes, turned images, pruned layers, trade-offs, features of graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from zoo.hub import Prediction
from zoo.visual import (
    plot_graph_features,
    plot_learning_curves,
    plot_mistakes,
    plot_pruned,
    plot_tradeoff,
    plot_turning,
    turned,
)
from zoo.visual._figure import words

pytestmark = pytest.mark.once


def test_the_surest_mistake_comes_first(tmp_path: Path) -> None:
    images = np.zeros((3, 28, 28, 1), np.uint8)
    images[2] = 200
    rows = [[Prediction("7", 7, p), Prediction("1", 1, 1 - p)] for p in (0.9, 0.6, 0.8)]
    path = plot_mistakes(images, rows, ["7", "1", "1"], path=tmp_path / "a.png", count=1)
    assert (np.asarray(Image.open(path).convert("RGB")) == 200).all(-1).sum() > 5000  # the third is shown, and only it
    with pytest.raises(ValueError, match="All 1 answers are right"):
        plot_mistakes(images[:1], rows[:1], ["7"], path=path)
    with pytest.raises(ValueError, match="not as many"):
        plot_mistakes(images, rows, ["7"], path=path)


def test_quarter_turns_are_exact() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 5, 3), "uint8")
    for step, found in enumerate(turned(image, 4)):
        np.testing.assert_array_equal(found, np.rot90(image, step))
    for wrong in (np.zeros((4, 5, 1)), np.zeros((4, 4))):
        with pytest.raises(ValueError, match="square image"):
            turned(wrong)


def test_a_turned_image_above_its_logits(tmp_path: Path) -> None:
    inputs = keras.Input((6, 6, 1))
    logits = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    image = np.random.default_rng(1).integers(0, 256, (6, 6, 1), "uint8")
    one, two = ({name: keras.Model(inputs, logits) for name in names} for names in (["a"], ["a", "b"]))
    small, large = (plot_turning(image, given, path=tmp_path / "a.png", steps=8) for given in (one, one))
    assert small == large
    height = Image.open(small).size[1]
    assert Image.open(plot_turning(image, two, path=small, steps=8)).size[1] > height + 100
    with pytest.raises(ValueError, match="one or more models"):
        plot_turning(image, {}, path=tmp_path / "a.png")


def test_pruned_layers_and_tradeoffs(tmp_path: Path) -> None:
    assert plot_pruned({"a": (0, 9), "b": (9, 9)}, path=tmp_path / "a.svg").is_file()
    with pytest.raises(ValueError, match="at least as many before"):
        plot_pruned({"a": (10, 9)}, path=tmp_path / "a.svg")
    points = [{"name": f"n{i}", "group": "g", "cost": 10.0**i, "value": 90.0} for i in range(4)]
    plain = plot_tradeoff(points, path=tmp_path / "b.svg", labels=("x", "y")).read_text()
    ringed = plot_tradeoff(points, path=tmp_path / "b.svg", labels=("x", "y"), marked="n1").read_text()
    assert len(ringed) > len(plain)
    with pytest.raises(ValueError, match="one or more points"):
        plot_tradeoff([], path=tmp_path / "b.svg", labels=("x", "y"))


def test_features_of_nodes(tmp_path: Path) -> None:
    states = np.random.default_rng(0).random((3, 10, 4))
    assert plot_graph_features({"D": states, "GCN": states}, np.arange(10) % 2, path=tmp_path / "a.png").is_file()
    with pytest.raises(ValueError, match="and N classes; got 9"):
        plot_graph_features({"D": states}, np.arange(9), path=tmp_path / "a.png")


def test_phases_are_marked(tmp_path: Path) -> None:
    rows = [{"epoch": epoch, "accuracy": 0.5, "loss": 1.0} for epoch in range(4)]
    drawn = plot_learning_curves(rows, path=tmp_path / "a.svg", marks={"then all layers": 2})
    assert drawn.read_text().count("then all layers") == 2  # beside accuracy and loss


def test_curves_from_a_file_with_gaps(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    file.write_text("epoch,loss,accuracy,val_loss,val_accuracy\n0,1.0,0.5,,\n1,0.9,0.6,1.0,0.4\n")
    assert plot_learning_curves(file, path=tmp_path / "a.svg", title="run").is_file()
    file.write_text("epoch,loss\n")
    with pytest.raises(ValueError, match="at least one epoch"):
        plot_learning_curves(file, path=tmp_path / "a.svg")


def test_names_of_points_that_lie_together_are_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Eight long names around one place: some stand farther away, with a line, and none on another."""
    import zoo.visual.series as series

    drawn: list[Any] = []
    monkeypatch.setattr(series, "write", lambda figure, path: drawn.append(figure) or path)
    points = [
        {"name": f"a_network_with_a_name_{n}", "group": "g", "cost": 1000 + n, "value": 90 + n / 50} for n in range(8)
    ]
    points.append({"name": "far", "group": "g", "cost": 20, "value": 70})
    series.plot_tradeoff(points, path=tmp_path / "a.svg", labels=("cost", "value"))
    drawn[0].canvas.draw()  # which puts the names in their places
    axes, renderer = drawn[0].axes[0], drawn[0].canvas.get_renderer()
    texts = [text for text in axes.texts if text.get_text()]
    boxes = [Text.get_window_extent(text, renderer) for text in texts]
    assert len(boxes) == 9
    assert [(a, b) for a in range(9) for b in range(a) if boxes[a].overlaps(boxes[b])] == []
    assert any(text.arrow_patch is not None for text in texts)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("art_gallery", "art gallery"),
        ("InsideCity", "Inside City"),
        ("apartment_building/outdoor", "apartment building/outdoor"),
        ("iPod", "iPod"),
        ("CD player", "CD player"),
        ("EntleBucher", "EntleBucher"),
        ("_", "_"),
        (7, "7"),
    ],
)
def test_classes_are_shown_as_words(label: object, shown: str) -> None:
    assert words(label) == shown


def test_no_name_of_a_point_is_cut(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import zoo.visual.series as series

    drawn: list[Any] = []
    monkeypatch.setattr(series, "write", lambda figure, path: drawn.append(figure) or path)
    points = [
        {"name": f"a_rather_long_name_of_a_network_{n}", "group": "g", "cost": 10.0**n, "value": n} for n in (1, 4)
    ]
    series.plot_tradeoff(points, path=tmp_path / "a.svg", labels=("cost", "value"))
    drawn[0].canvas.draw()  # which puts the names in their places
    axes, renderer = drawn[0].axes[0], drawn[0].canvas.get_renderer()
    for text in axes.texts:
        box = Text.get_window_extent(text, renderer)
        assert axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
