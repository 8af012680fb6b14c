"""Pictures of log-polar convolutions as PNG files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import keras
import matplotlib.image
import numpy as np
import pytest

from zoo.layers import LogPolarConv2D
from zoo.math import log_polar_map
from zoo.visual import plot_kernels, plot_receptive_fields, plot_region_scores, plot_regions

pytestmark = pytest.mark.once


def pixels(path: Path) -> np.ndarray:
    return matplotlib.image.imread(path)[..., :3]


def test_every_region_has_its_colour(tmp_path: Path) -> None:
    regions = log_polar_map(9, 2, 6, 3)
    picture = pixels(plot_regions(regions, path=tmp_path / "a.png"))
    colors, counts = np.unique(picture.reshape(-1, 3).round(2), axis=0, return_counts=True)
    cell = picture.shape[0] * picture.shape[1] / 10**2  # roughly; part of it is its number and the rings
    areas = sorted(counts[(colors.std(axis=1) > 0.02)])[-regions.regions :]
    assert len(areas) == regions.regions and areas[0] > 0.3 * cell  # one colour a region, the smallest of one cell
    clipped = plot_regions(log_polar_map((9, 5), 2, 4, 3, clip_corners=True), path=tmp_path / "b.png", title="clipped")
    assert pixels(clipped).shape[0] > 100


def built(layer: keras.layers.Layer, channels: int) -> keras.layers.Layer:
    layer.build((None, 16, 16, channels))
    return layer


@pytest.mark.parametrize("channels", [3, 4])
def test_a_layer_and_its_plain_convolution_look_the_same(channels: int, tmp_path: Path) -> None:
    layer = built(LogPolarConv2D(5, 9), channels)
    plain = built(keras.layers.Conv2D(5, 9), channels)
    plain.kernel.assign(layer.dense_kernel())
    pictures = [pixels(plot_kernels(made, path=tmp_path / "a.png", count=3)) for made in (layer, plain)]
    np.testing.assert_array_equal(*pictures)


def test_scores_and_fields(tmp_path: Path) -> None:
    scores = np.linspace(1, 0, 24).reshape(3, 8)
    scores[1, 2] = np.nan
    plain = pixels(plot_region_scores(scores, path=tmp_path / "a.png"))
    ringed = pixels(plot_region_scores(scores, path=tmp_path / "a.png", radii=np.array([1.4, 2.8, 5.7]), title="rings"))
    assert plain.std() > 0.1 and ringed.std() > 0.1
    fields = {"one": np.eye(8), "two": np.ones((8, 8))}
    assert pixels(plot_receptive_fields(fields, path=tmp_path / "b.png")).shape[1] > 400
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no convolution, so there is no kernel"):
        plot_kernels(built(LogPolarConv2D(2, 5, pooling="max"), 3), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"has no weights yet: call it, or build\(input_shape\)"):
        plot_kernels(LogPolarConv2D(2, 5), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="Expected a convolution; got ndarray"):
        plot_kernels(np.zeros((3, 3, 1, 1)), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="the `regions` of a layer; got LogPolarConv2D"):
        plot_regions(LogPolarConv2D(2, 5), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="'relu' is a ReLU"):
        plot_kernels(keras.layers.ReLU(name="relu"), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"ends in \.png"):
        plot_regions(log_polar_map(5, 2, 6, 3), path=tmp_path / "a.jpg")
    with pytest.raises(ValueError, match=r"got \(3, 8\) and \(2,\)"):
        plot_region_scores(np.ones((3, 8)), radii=np.ones(2), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="fields by a name.*got ndarray"):
        plot_receptive_fields(np.ones((4, 4)), path=tmp_path / "a.png")
    with pytest.raises(ValueError, match="values above 0"):
        plot_receptive_fields({"empty": np.zeros((4, 4))}, path=tmp_path / "a.png")


def test_the_example_draws_all_pictures(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("log_polar_example", root / "examples" / "log_polar.py")
    assert spec and spec.loader
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    assert example.main(["--smoke", "--out", str(tmp_path)]) == 0
    names = {"lpsc_regions.png", "lpsc_kernels.png", "lpsc_fields.png", "lpsc_correlation.png"}
    assert {file.name for file in tmp_path.iterdir()} == names
    assert len(capsys.readouterr().out.splitlines()[0].split()) == 8
