"""The LPSC networks: sizes, golden tensors, folding."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients
from tests.models.lpsc import reference
from tests.sweeping import swept
from zoo.models.lpsc import PRESETS, LPSCAlexNetConfig, LPSCResNetConfig, LPSCVGGConfig, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "lpsc"
BY_NAME = {preset.name: preset for preset in PRESETS}
IMAGENET = {"input_shape": (64, 64, 3), "num_classes": 1000, "small": False, "depth": 18}
NETWORKS = {
    "alexnet_lpc_c10": (LPSCAlexNetConfig(), reference.ALEXNET),
    "vgg19_bn_lpc_c10": (LPSCVGGConfig(depth=19), reference.vgg((2, 2, 4, 4, 4))),
    "resnet20_lpc_c10": (LPSCResNetConfig(depth=20), reference.STEM),
    "resnet20_lpsc_cc_c100": (LPSCResNetConfig(depth=20, num_classes=100, log_polar="cross"), reference.CROSS),
    "resnet18_lpc_in1000": (LPSCResNetConfig(**IMAGENET), reference.STEM),
}


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.parametrize("name", swept(BY_NAME))
def test_parameters(name):
    assert trainable(build(BY_NAME[name].config)) == BY_NAME[name].parameters


@pytest.mark.parametrize("tag", NETWORKS)
def test_networks_match_the_reference(tag):
    golden = load_golden(FOLDER / f"model_{tag}.npz")
    config, layers = NETWORKS[tag]
    model = build(config)
    assert trainable(model) == int(golden["num_params"])
    paths = {variable.path for variable in model.variables}
    weights = reference.regenerate(golden, layers, paths)
    for variable in model.variables:
        variable.assign(weights.pop(variable.path))
    assert not weights
    core = keras.Model(model.get_layer("normalize").output, model.output)
    # The fixtures hold gradients of mean(logits^2), `gradients` gives those of sum(logits^2).
    outputs, input_gradient, found = gradients(core, golden["x"].transpose(0, 2, 3, 1))
    assert_close(outputs, golden["logits"], 1e-5, name="logits")
    count, rel = golden["logits"].size, 2e-3 if "vgg" in tag else 5e-5
    assert_close(input_gradient / count, golden["g_x"].transpose(0, 2, 3, 1), rel, name="input gradient")
    expected = {name.removeprefix("g__"): value for name, value in golden.items() if name.startswith("g__")}
    assert expected
    for name, value in expected.items():
        path, kind, part = reference.find(name, layers)
        value = reference.layout(value, kind, part)
        assert_close(found[reference.only_bias(path, paths)] / count, value, rel, name=name)
    for name, norm in zip(golden["grad_norm_names"], golden["grad_norms"], strict=True):
        path = reference.only_bias(reference.find(str(name), layers)[0], paths)
        assert_close(np.linalg.norm(found[path]) / count, norm, rel, name=path)
