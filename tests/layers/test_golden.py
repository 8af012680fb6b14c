"""Layers against the tensors that the reference implementation computed."""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.layers.equivariant import gradients
from tests.models.e4net import reference
from zoo.layers import E4Conv2D, GBatchNormalization, GConv2D, GroupPooling, LiftingConv2D
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[1] / "golden" / "e4net"
LAYER, GRADIENT = 2e-6, 5e-5


def assign(layer, weights):
    for variable in layer.weights:
        variable.assign(weights[variable.path.rsplit("/", 1)[-1]])


@pytest.mark.parametrize("name", ["c4_lift_k3", "d4_lift_k3"])
def test_lifting(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    layer = LiftingConv2D(golden.config["out_channels"], 3, group=golden.config["group"])
    check(layer, golden, {"kernel": reference.lifting(golden["weights/weight"])}, reference.lifting)


@pytest.mark.parametrize("name", ["c4_1x1", "d4_1x1", "c4_3x3", "c4_1x1_s2", "c4_3x3_s2"])
def test_group_convolution(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    size = 3 if "3x3" in name else 1
    has_bias = "weights/bias" in golden
    layer = GConv2D(golden.config["out_channels"], size, group=golden.config["group"], use_bias=has_bias)
    weights = {"kernel": reference.group_kernel(golden["weights/weight"])}
    if has_bias:
        weights["bias"] = golden["weights/bias"].reshape(-1)
    if golden.config["stride"] != 1:  # the reference pools after the convolution where it says "stride"
        inputs = keras.Input(reference.nhwc(golden["input"]).shape[1:])
        pooled = keras.layers.MaxPooling2D(2, data_format="channels_last")(layer(inputs))
        check(keras.Model(inputs, pooled), golden, weights, reference.group_kernel)
    else:
        check(layer, golden, weights, reference.group_kernel)


@pytest.mark.parametrize("name", ["e4c4_k5_r1_s2_shared", "e4d4_k3_r2_s3_shared"])
def test_e4(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    config, order = golden.config, 8 if "D4" in golden.config["layer"] else 4
    layer = E4Conv2D(
        config["out_channels"],
        config["kernel_size"],
        slices=config["slices"],
        reduction=config["reduction_ratio"],
        group="p4m" if order == 8 else "p4",
    )
    layout = {"order": order, "kernel_size": config["kernel_size"]}
    x = reference.nhwc(golden["input"])
    layer.build(x.shape)
    assign(layer, reference.e4(golden.group("weights"), "", **layout))
    outputs, input_gradient, weight_gradients = gradients(layer, x)
    assert_close(outputs, reference.nhwc(golden["eval/output"]), LAYER, name="output")
    assert_close(input_gradient, reference.nhwc(golden["eval/grad_input"]), GRADIENT, name="input gradient")
    for weight, expected in reference.e4(golden.group("eval/grad"), "", **layout, gradient=True).items():
        actual = next(value for path, value in weight_gradients.items() if path.endswith(weight))
        assert_close(actual, expected, GRADIENT, name=weight)


@pytest.mark.parametrize("name", ["e4c4_k5_r1_s2_official", "e4d4_k3_r2_s3_official"])
def test_e4_with_the_references_free_norm(name):
    """The reference's own parametrisation, one scale and offset a field and element, through our arithmetic."""
    golden = load_golden(FOLDER / f"{name}.npz")
    config, order = golden.config, 8 if "D4" in golden.config["layer"] else 4
    layer = E4Conv2D(
        config["out_channels"],
        config["kernel_size"],
        slices=config["slices"],
        reduction=config["reduction_ratio"],
        group="p4m" if order == 8 else "p4",
    )
    x = reference.nhwc(golden["input"])
    layer.build(x.shape)
    weights = reference.e4(golden.group("weights"), "", order=order, kernel_size=config["kernel_size"])
    neutral = {"generator_gamma": np.ones(layer.width), "generator_beta": np.zeros(layer.width)}
    assign(layer, weights | neutral)
    layer._normalize = reference.free_norm(layer, golden["weights/conv1.1.weight"], golden["weights/conv1.1.bias"])
    assert_close(layer(x), reference.nhwc(golden["eval/output"]), LAYER)


@pytest.mark.parametrize("name", ["c4_bn", "d4_bn"])
def test_batch_norm(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    x, group = reference.nhwc(golden["input"]), golden.config["group"]
    weights = reference.batch_norm(golden.group("weights"), "bn.")
    for mode in ("eval", "train"):
        layer = GBatchNormalization(group)
        layer.build(x.shape)
        assign(layer, weights)
        cotangent = reference.nhwc(golden["cotangent"])
        outputs, input_gradient, found = gradients(layer, x, training=mode == "train", cotangent=cotangent)
        assert_close(outputs, reference.nhwc(golden[f"{mode}/output"]), LAYER)
        assert_close(input_gradient, reference.nhwc(golden[f"{mode}_cot/grad_input"]), GRADIENT)
        for ours, theirs in (("gamma", "weight"), ("beta", "bias")):
            actual = next(value for path, value in found.items() if path.endswith(ours))
            assert_close(actual, golden[f"{mode}_cot/grad/bn.{theirs}"], GRADIENT, name=ours)
    # torch keeps the unbiased variance, Keras the biased one: they differ by N / (N - 1) in the part that is new.
    count = x.size // x.shape[-1] * layer.group.order
    assert_close(layer.moving_mean, golden["train/updated/bn.running_mean"], LAYER)
    old = golden["weights/bn.running_var"]
    new = (golden["train/updated/bn.running_var"] - 0.9 * old) * (count - 1) / count
    assert_close(layer.moving_variance, 0.9 * old + new, 1e-5)


@pytest.mark.parametrize("name", ["c4_pool", "d4_pool"])
def test_group_pooling(name):
    golden = load_golden(FOLDER / f"{name}.npz")
    outputs = GroupPooling(golden.config["group"])(reference.nhwc(golden["input"]))
    assert_close(outputs, reference.nhwc(golden["eval/output"]), 0.0)


def check(layer, golden, weights, kernel_layout):
    """Output, input gradient and weight gradients of a layer (or model) with a kernel and perhaps a bias."""
    x = reference.nhwc(golden["input"])
    if not layer.built:
        layer.build(x.shape)
    assign(layer, weights)
    outputs, input_gradient, found = gradients(layer, x)
    assert_close(outputs, reference.nhwc(golden["eval/output"]), LAYER, name="output")
    assert_close(input_gradient, reference.nhwc(golden["eval/grad_input"]), GRADIENT, name="input gradient")
    for path, value in found.items():
        ours = path.rsplit("/", 1)[-1]
        theirs = golden["eval/grad/bias" if ours == "bias" else "eval/grad/weight"]
        expected = theirs.reshape(-1) if ours == "bias" else kernel_layout(theirs)
        assert_close(value, expected, GRADIENT, name=ours)
