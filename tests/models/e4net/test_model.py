"""The E4-Nets: sizes, golden tensors, invariance, training."""

from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import gradients, normal, randomize
from tests.models.e4net import reference
from zoo.evaluation import count_macs, equivariance_error
from zoo.models.e4net import PRESETS, E4NetConfig, E4ResNet18Config, build
from zoo.testing import assert_close, load_golden

FOLDER = Path(__file__).parents[2] / "golden" / "e4net"
# In float32 a rectifier near 0 is on its other side on another CPU, and with it a part of the gradients.
OUTPUT, GRADIENT, DOUBLE = 5e-5, 1e-3, 1e-6
SMALL_RESNET = {"input_shape": (16, 16, 3), "widths": (4, 8, 16, 32), "mean": (0.0,) * 3, "std": (1.0,) * 3}


@pytest.mark.once
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_parameters(preset):
    model = build(preset.config)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == preset.parameters


@pytest.mark.parametrize(
    ("name", "millions"),
    [("e4net_mnistrot", 17.64), ("e4net_large_mnistrot", 41.19), ("gcnn_mnistrot", 49.2)],
)
def test_arithmetic(name, millions):
    assert abs(count_macs(zoo.build(name)) / 1e6 - millions) < 0.05


def assign(model, weights):
    for variable in model.weights:
        variable.assign(weights.pop(variable.path))
    assert not weights


def check_network(make, golden, layout):
    """Outputs and all gradients in every mode there is, from the model's normalised pixels on."""
    check_precision(make(), "float32", golden, layout, OUTPUT, GRADIENT)
    if keras.backend.backend() == "tensorflow":  # Keras' batch normalization has no float64 on the others
        check_precision(in_double(make), "float64", golden, layout, DOUBLE, DOUBLE)


def in_double(make):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        return make()
    finally:
        keras.config.set_dtype_policy(policy)


def check_precision(model, dtype, golden, layout, output_bound, gradient_bound):
    x = reference.nhwc(golden["input"]).astype(dtype)
    model = keras.Model(model.layers[1].output, model.output)
    for mode in [mode for mode in ("eval", "train") if f"{mode}/output" in golden]:
        assign(model, layout(golden.group("weights")))
        outputs, input_gradient, found = gradients(model, x, training=mode == "train")
        assert_close(outputs, golden[f"{mode}/output"], output_bound, name=f"{mode} output")
        assert_close(input_gradient, reference.nhwc(golden[f"{mode}/grad_input"]), gradient_bound, name=f"{mode} input")
        expected = layout(golden.group(f"{mode}/grad"), gradient=True)
        assert set(expected) == set(found)
        for path, value in found.items():
            assert_close(value, expected[path], gradient_bound, name=f"{mode} {path}")


def test_digits_network_matches_the_reference():
    golden = load_golden(FOLDER / "mnistrot_normal_shared.npz")
    check_network(lambda: build(E4NetConfig(dropout=0.0)), golden, reference.digits_network)


def test_digits_network_with_the_references_free_norm():
    """The whole network in the reference's own parametrisation, one scale and offset a field and element."""
    golden = load_golden(FOLDER / "mnistrot_normal_official.npz")
    model, weights = build(E4NetConfig(dropout=0.0)), reference.digits_network(golden.group("weights"))
    for index in range(2, 8):
        weights[f"conv{index}/generator_gamma"], weights[f"conv{index}/generator_beta"] = np.ones(16), np.zeros(16)
        layer, norm = model.get_layer(f"conv{index}"), f"weights/conv{index}.conv1.1"
        layer._normalize = reference.free_norm(layer, golden[f"{norm}.weight"], golden[f"{norm}.bias"])
    core, x = keras.Model(model.layers[1].output, model.output), reference.nhwc(golden["input"])
    for mode in ("eval", "train"):
        assign(model, dict(weights))
        outputs, input_gradient, _ = gradients(core, x, training=mode == "train")
        assert_close(outputs, golden[f"{mode}/output"], OUTPUT, name=f"{mode} output")
        assert_close(input_gradient, reference.nhwc(golden[f"{mode}/grad_input"]), GRADIENT, name=f"{mode} input")


def test_residual_network_matches_the_reference():
    golden = load_golden(FOLDER / "resnet18_e4c4_w4.npz")
    check_network(lambda: build(E4ResNet18Config(dropout=0.0, **SMALL_RESNET)), golden, reference.residual_network)


@pytest.mark.parametrize(
    ("config", "group"),
    [
        (E4NetConfig(width=4), "p4"),
        (E4NetConfig(width=4, kernel_size=3, group="p4m", input_shape=(None, None, 1)), "p4m"),
        (E4NetConfig(width=4, layer="gconv", kernel_size=3), "p4"),
        (E4ResNet18Config(**SMALL_RESNET), "p4"),
        (E4ResNet18Config(**{**SMALL_RESNET, "widths": (2, 4, 6, 8)}, group="p4m"), "p4m"),
        (E4ResNet18Config(**{**SMALL_RESNET, "widths": (2, 4, 6, 8)}, group="p4m", layer="gconv"), "p4m"),
    ],
    ids=["digits-p4", "digits-p4m-oblong", "digits-gconv", "resnet-p4", "resnet-p4m", "resnet-gconv-p4m"],
)
def test_networks_are_invariant(config, group):
    model = build(config)
    randomize(model)
    sizes = [size or 12 + 4 * axis for axis, size in enumerate(config.input_shape[:2])]  # 12 x 16 where open
    # Random weights and statistics give large activations that cancel in the logits: more round-off than a trained
    # network has, whose bound is 1e-5 (tests/test_weights.py).
    assert equivariance_error(model, normal(2, *sizes, config.input_shape[2]) * 50, group).max() < 5e-5


def test_networks_stay_invariant_in_training():
    model = build(E4NetConfig(width=4, kernel_size=3, input_shape=(16, 16, 1)))
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = np.abs(normal(64, 16, 16, 1)) * 100, np.arange(64) % 10
    losses = model.fit(x, y, batch_size=32, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert equivariance_error(model, x[:4]).max() < 1e-5


def test_odd_sizes_work_with_a_warning():
    with pytest.warns(UserWarning, match="not exactly equivariant"):
        model = build(E4NetConfig(width=4, input_shape=(29, 29, 1)))
    assert model(normal(1, 29, 29, 1)).shape == (1, 10)


def test_spatial_size_may_stay_open():
    model = build(E4NetConfig(width=4, input_shape=(None, None, 1)))
    assert model(normal(1, 12, 20, 1)).shape == (1, 10)


def test_other_configurations_are_refused():
    with pytest.raises(TypeError, match="E4NetConfig or E4ResNet18Config; got dict"):
        build({"width": 4})
