"""Backbones of KerasHub, which is no dependency: `pip install keras-hub` runs these tests."""

import keras
import numpy as np
import pytest

from tests.compression.networks import outputs
from zoo.compression import compress, prune, to_synaptic
from zoo.testing import assert_close

hub = pytest.importorskip("keras_hub", reason="needs KerasHub: pip install keras-hub")
pytestmark = pytest.mark.filterwarnings("ignore:pruning. ")


def backbones() -> dict[str, keras.Model]:
    image = {"image_shape": (32, 32, 3)}
    return {
        "resnet": hub.models.ResNetBackbone(
            [64], [3], [64, 96], [2, 2], [1, 2], "basic_block", use_pre_activation=False, **image
        ),
        "vgg": hub.models.VGGBackbone([1, 1, 2], [8, 16, 32], **image),
        "densenet": hub.models.DenseNetBackbone([2, 2], compression_ratio=0.5, growth_rate=8, **image),
    }


@pytest.mark.parametrize("name", ["resnet", "vgg", "densenet"])
def test_backbones_are_converted_and_compacted_exactly(name):
    model = backbones()[name]
    x = np.random.default_rng(0).uniform(0, 1, (2, 32, 32, 3)).astype("float32")
    strong = to_synaptic(model)
    assert_close(outputs(strong, x), outputs(model, x), 1e-5)
    prune(strong, 0.5)
    assert_close(outputs(compress(strong, "compact"), x), outputs(strong, x), 1e-5)
