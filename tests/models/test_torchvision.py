"""Networks that are the same function as torchvision's and timm's, read from their layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import zoo
from tests.models import torchvision
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "torchvision"
CASES = [
    ("resnet18", "lpsc_plain_resnet18_imagenet"),
    ("resnet18", "scene_resnet18_places365"),
    pytest.param("resnet34", "resnet34_imagenet", marks=pytest.mark.large),
    pytest.param("resnet50", "resnet50_imagenet", marks=pytest.mark.large),
    pytest.param("resnet50", "scene_resnet50_places365", marks=pytest.mark.large),
    pytest.param("resnet101", "resnet101_imagenet", marks=pytest.mark.large),
    pytest.param("densenet161", "scene_densenet161_places365", marks=pytest.mark.large),
]


@pytest.mark.parametrize(("module", "name"), CASES)
def test_logits(module, name, tmp_path):
    golden = load_golden(FOLDER / f"{module}.npz")
    np.savez(tmp_path / "weights.npz", **torchvision.state_dict(golden))
    made = zoo.convert(tmp_path / "weights.npz", name, num_classes=1000)
    assert "torchvision" in made.layout and made.source["license"].startswith("unknown")
    found = torchvision.core(made.model, 64).predict(torchvision.pixels(), verbose=0)
    assert_close(found[:, :100], golden["logits"], 1e-4, name="logits")


def test_names_of_old_files(tmp_path):
    """DenseNets of before 2018, the Places365 project's among them, write `norm.1` for `norm1`."""
    from zoo.models.scene.convert import DENSENET, by_rules

    new = ["features.denseblock1.denselayer2.norm1.weight", "features.denseblock1.denselayer2.conv2.weight"]
    old = ["features.denseblock1.denselayer2.norm.1.weight", "features.denseblock1.denselayer2.conv.2.weight"]
    found = [by_rules({name: np.zeros((4, 4, 1, 1)) for name in names}, DENSENET).tensors for names in (new, old)]
    assert found[0].keys() == found[1].keys() == {"block1_layer2_input_norm/gamma", "block1_layer2_conv2/kernel"}
