from __future__ import annotations

import os
import sys

import numpy as np
import pytest
from PIL import Image

from zoo.hub import Prediction
from zoo.visual import plot_predictions

pytestmark = pytest.mark.once

SEVEN = [Prediction("7", 7, 0.97), Prediction("1", 1, 0.02), Prediction("4", 4, 0.01)]
ORANGE = (0xD5, 0x5E, 0x00)
GREEN = (0x00, 0x9E, 0x73)


def digits(count: int, channels: int = 1) -> np.ndarray:
    return np.full((count, 28, 28, channels), 128, np.uint8)


def count_pixels(path, color) -> int:
    return int((np.asarray(Image.open(path).convert("RGB")) == color).all(-1).sum())


def test_right_answers_are_green_and_wrong_ones_orange(tmp_path):
    right = plot_predictions(digits(1), [SEVEN], ["7"], path=tmp_path / "right.png")
    wrong = plot_predictions(digits(1), [SEVEN], [1], path=tmp_path / "wrong.png")
    unjudged = plot_predictions(digits(1), [SEVEN], path=tmp_path / "unjudged.png")
    assert count_pixels(right, GREEN) > 100 and count_pixels(right, ORANGE) == 0
    assert count_pixels(wrong, ORANGE) > 500 and count_pixels(wrong, GREEN) == 0
    assert count_pixels(unjudged, ORANGE) == count_pixels(unjudged, GREEN) == 0


def test_the_bar_is_as_long_as_the_probability(tmp_path):
    lengths = []
    for probability in (0.25, 0.5, 1.0):
        path = plot_predictions(digits(1), [[Prediction("7", 7, probability)]], ["7"], path=tmp_path / "a.png")
        green = (np.asarray(Image.open(path).convert("RGB")) == GREEN).all(-1)
        lengths.append(green.sum(axis=1).max())
    assert lengths[1] / lengths[0] == pytest.approx(2, rel=0.1)
    assert lengths[2] / lengths[1] == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize(("count", "channels"), [(1, 1), (11, 3)])
def test_images_appear_with_their_pixels(tmp_path, count, channels):
    images = digits(count, channels)
    path = plot_predictions(images, [SEVEN] * count, path=tmp_path / "a.png")
    assert count_pixels(path, (128, 128, 128)) > 9000 * count


def test_ten_columns_and_a_title(tmp_path):
    sizes = {}
    for count in (10, 11):
        path = plot_predictions(digits(count), [SEVEN] * count, path=tmp_path / "a.png", title="digits")
        sizes[count] = Image.open(path).size
    assert sizes[10][0] == sizes[11][0] and sizes[11][1] > 1.5 * sizes[10][1]


def test_long_labels(tmp_path):
    row = [Prediction("a very long label, longer than the image", 0, 0.6), Prediction("other", 1, 0.4)]
    assert plot_predictions(digits(2), [row, row], ["other", row[0].label], path=tmp_path / "a.png").is_file()


def test_leaves_pyplot_alone(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    plot_predictions(digits(1), [SEVEN], path=tmp_path / "a.png")
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_failed_write_leaves_the_old_picture_and_no_scraps(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        plot_predictions(digits(1), [SEVEN], path=path)
    assert path.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("images", "predictions", "truth", "name", "message"),
    [
        (digits(1), [SEVEN], None, "a.jpg", "ends in .png"),
        (digits(1)[0], [SEVEN], None, "a.png", "1 or 3"),
        (digits(1, 2), [SEVEN], None, "a.png", "1 or 3"),
        (digits(0), [], None, "a.png", "1 to 400 images"),
        (digits(401), [SEVEN] * 401, None, "a.png", "1 to 400 images"),
        (digits(2), [SEVEN], None, "a.png", "2 images, 1 predictions"),
        (digits(1), [SEVEN], ["1", "2"], "a.png", "2 true labels"),
    ],
)
def test_wrong_arguments(tmp_path, images, predictions, truth, name, message):
    with pytest.raises(ValueError, match=message):
        plot_predictions(images, predictions, truth, path=tmp_path / name)


def test_folder_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="the folder .*nowhere does not exist"):
        plot_predictions(digits(1), [SEVEN], path=tmp_path / "nowhere" / "a.png")


def test_columns_are_as_many_as_wanted(tmp_path):
    wide = Image.open(plot_predictions(digits(6), [SEVEN] * 6, path=tmp_path / "wide.png")).size
    narrow = Image.open(plot_predictions(digits(6), [SEVEN] * 6, path=tmp_path / "narrow.png", columns=2)).size
    # 1.22 inches a column and 1.95 a row, at 110 dots an inch
    assert (wide[0] - narrow[0], narrow[1] - wide[1]) == (round(4 * 1.22 * 110), round(2 * 1.95 * 110))
    with pytest.raises(ValueError, match="columns"):
        plot_predictions(digits(1), [SEVEN], path=tmp_path / "none.png", columns=0)
