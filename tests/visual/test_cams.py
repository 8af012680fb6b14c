"""Class activation maps as arrays and pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import zoo
from zoo.visual import cam, overlay, plot_cams


@pytest.fixture(scope="module")
def model():
    return zoo.build("scene_resnet18_narrow_scene15", input_shape=(32, 32, 1), widths=(4, 4, 4, 8))


IMAGES = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 1), dtype=np.uint8)


def test_cam(model):
    maps = cam(model, IMAGES, batch_size=2)
    assert maps.shape == (5, 32, 32) and maps.dtype == np.float32
    assert (maps >= 0).all() and (maps <= 1 + 1e-6).all()
    native = cam(model, IMAGES, upsample=False, normalization="none", classes=np.arange(5))
    logits = model.predict(IMAGES, verbose=0)[np.arange(5), np.arange(5)]
    bias = np.asarray(model.get_layer("head").get_weights()[1])[np.arange(5)]
    np.testing.assert_allclose(native.mean((1, 2)) + bias, logits, atol=1e-5)
    assert native.shape == (5, 2, 2)


def test_overlay():
    maps = np.zeros((5, 32, 32))
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 0, 2] = 1.0, np.nan, 7.0
    pictures = overlay(IMAGES, maps)
    assert pictures.shape == (5, 32, 32, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures[:, 0, 0], np.rint((IMAGES[:, 0, 0] + np.array([240.0, 249, 33])) / 2))
    np.testing.assert_array_equal(pictures[:, 1, 1], np.rint((IMAGES[:, 1, 1] + np.array([13.0, 8, 135])) / 2))
    np.testing.assert_array_equal(overlay(IMAGES, maps, opacity=0.0), np.repeat(IMAGES, 3, -1))


def test_plot(tmp_path, model):
    maps = cam(model, IMAGES)
    path = plot_cams(
        np.repeat(IMAGES, 2, 0),
        [("one", np.repeat(maps, 2, 0))],
        path=tmp_path / "c.png",
        titles=list("abcdefghij"),
        threshold=0.5,
    )
    with Image.open(path) as picture:
        assert picture.format == "PNG" and picture.width > picture.height > 300
    assert [file.name for file in tmp_path.iterdir()] == ["c.png"]


def test_errors(tmp_path, model):
    with pytest.raises(ValueError, match=r"same size; got \(5, 32, 32, 1\) and \(5, 8, 8\)"):
        overlay(IMAGES, np.zeros((5, 8, 8)))
    with pytest.raises(ValueError, match=r"opacity` to be a number in \[0, 1\]"):
        overlay(IMAGES, np.zeros((5, 32, 32)), opacity=2)
    with pytest.raises(ValueError, match="ends in .png"):
        plot_cams(IMAGES, [], path=tmp_path / "c.jpg")
    with pytest.raises(ValueError, match="as many titles; got 5 and 1 titles"):
        plot_cams(IMAGES, [], path=tmp_path / "c.png", titles=["a"])
    with pytest.raises(ValueError, match="one class for each of 5 images"):
        cam(model, IMAGES, classes=[1])
