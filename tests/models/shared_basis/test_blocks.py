"""Every form of block against the authors' modules: outputs and all gradients, in inference and in training."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients
from tests.models.shared_basis import reference
from zoo.models.blocks import Blocks
from zoo.models.shared_basis import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
    densenet,
    mobilenet,
    resnet,
)
from zoo.models.shared_basis.sharing import Sharing
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "dsfb"
BLOCK = (
    (r"^shared_basis_1\.weight$", "basis.kernel_1"),
    (r"^shared_basis_2\.weight$", "basis.kernel_2"),
    (r"^shared_basis\.weight$", "basis.kernel"),
    (r"^block\.", "block_"),
)


def basic(x, golden, *, bases=1):
    shared, unique = golden.config.get("S", 0), golden.config.get("U", 0)
    config = BasicResNetConfig(shared=shared, unique=unique, bases=bases, orthogonality=0.0)
    sharing = Sharing(config)
    filters = sharing.basis(x, shared, 3, "basis", bases=bases) if shared else ()
    return resnet.shared_block(config, sharing, x, filters, unique, "block")


def halving(x, golden):
    return resnet.plain_block(BasicResNetConfig(), x, golden.config["C"], "block", strides=2)


def bottleneck(x, golden):
    width = golden.config["planes"]
    config = BottleneckResNetConfig(shared=width, orthogonality=0.0)
    stage = resnet.SharedLayers(config, Sharing(config), Sharing(config), 0, "stage1")
    return Blocks().bottleneck(x, width, "block", expansion=x.shape[-1] // width, second=stage.middle)


def dense(x, golden):
    config = SharedDenseNetConfig(shared=5, unique=2, growth=4, orthogonality=0.0)
    assert golden.config["inner"] == 4 * config.growth
    second = densenet.shared_layers(config, Sharing(config), "basis")
    return Blocks().dense(x, config.growth, "block", second=second, join="join")


def inverted(x, golden, *, share):
    config = SharedMobileNetV2Config(share=share, orthogonality=0.0)
    width, expansion = x.shape[-1], golden.config.get("expansion", 6)
    filters = {"expand": expansion * width, "project": width}
    sharing = Sharing(config)

    def conv(part):
        def apply(x, _, kernel_size, name, *, strides=1):
            bases = sharing.basis(x, filters[part], kernel_size, f"basis_{part}")
            return sharing.conv(x, None, kernel_size, name, bases=bases, strides=strides)

        return apply

    attention = "eca_k" in golden.config
    convs = {part: conv(part) for part in share}
    return mobilenet.block(config, x, width, "block", convs, expansion=expansion, attention=attention)


INVERTED = (
    (r"^shared_basis_1\.weight$", "basis_expand.kernel"),
    (r"^shared_basis_2\.weight$", "basis_project.kernel"),
    (r"^block\.", "block_"),
    *reference.INVERTED,
)
CASES = {
    "basic_single": (basic, {}, (*BLOCK, *reference.BLOCK_PARTS)),
    "basic_sharedonly": (basic, {"bases": 2}, (*BLOCK, *reference.BLOCK_PARTS)),
    "basic_nonshared": (basic, {}, (*BLOCK, *reference.BLOCK_PARTS)),
    "basic_plain_optionA": (halving, {}, (*BLOCK, *reference.BLOCK_PARTS)),
    "bottleneck_sharedsingle": (
        bottleneck,
        {},
        ((r"^shared_basis\.", "stage1_basis."), *BLOCK, *reference.BLOCK_PARTS),
    ),
    "densenet_single": (dense, {}, (*BLOCK, (r"_bn0\.", "_input_norm."), *reference.BLOCK_PARTS)),
    "mobilenetv2_shared": (inverted, {"share": ("expand",)}, INVERTED),
    "mobilenetv2_double": (inverted, {"share": ("expand", "project")}, INVERTED),
    "mobilenetv2_double_eca": (inverted, {"share": ("expand", "project")}, INVERTED),
}


def load(name):
    golden = load_golden(FOLDER / f"block_{name}.npz")
    make, arguments, rules = CASES[name]
    x = reference.nhwc(golden["x"])
    inputs = keras.Input((None, None, x.shape[-1]))
    model = keras.Model(inputs, make(inputs, golden, **arguments))
    return golden, model, x, rules


@pytest.mark.parametrize("name", CASES)
def test_block(name):
    golden, model, x, rules = load(name)
    weights = reference.convert(golden.group("w"), rules)
    assert {variable.path for variable in model.weights} == set(weights)
    for mode in ("eval", "train"):
        for variable in model.weights:
            variable.assign(weights[variable.path])
        outputs, input_gradient, found = gradients(model, x, training=mode == "train")
        assert_close(outputs, reference.nhwc(golden[f"{mode}/y"]), 1e-5, name=f"{mode} output")
        assert_close(input_gradient, reference.nhwc(golden[f"{mode}/gx"]), 1e-4, name=f"{mode} input")
        expected = reference.convert(golden.group(f"{mode}/g"), rules)
        assert set(found) == set(expected)
        scale = max(np.abs(value).max() for value in expected.values())
        for path, value in found.items():
            error = np.abs(value - expected[path]).max()
            assert error <= 1e-4 * np.abs(expected[path]).max() + 1e-6 * scale, (mode, path, error)


def test_unique_filters_come_first():
    """With the shared filters first the same weights give other outputs."""
    golden, model, x, rules = load("basic_single")
    weights = reference.convert(golden.group("w"), rules)
    for path in ("block_conv1/coefficients", "block_conv2/coefficients"):
        weights[path] = np.roll(weights[path], 5, axis=2)  # 2 unique and 5 shared ones change places
    for variable in model.weights:
        variable.assign(weights[variable.path])
    expected = reference.nhwc(golden["eval/y"])
    actual = model.predict(x, verbose=0)
    assert np.abs(actual - expected).max() > 0.05 * np.abs(expected).max()
