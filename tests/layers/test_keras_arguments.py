"""Arguments as Keras' own layers take them: integers of NumPy, and activation, initializers, constraints, dilation."""

from __future__ import annotations

import inspect
import re

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal, randomize
from tests.layers.test_contract import CASES
from zoo import layers as ours
from zoo.evaluation import equivariance_error

NEEDED = {
    "E4Conv2D": {"filters": 4},
    "GConv2D": {"filters": 4},
    "GDropout": {"rate": 0.5},
    "GraphConvolution": {"units": 4},
    "LiftingConv2D": {"filters": 4},
    "LogPolarConv2D": {"filters": 4, "kernel_size": 5},
    "PDEGCNBlock": {"depth": 2, "edge_dropout": 0.5},
    "Resize": {"height": 4, "width": 4},
    "SharedBasisConv2D": {"filters": 4},
    "SharedFilterBasis": {"filters": 4},
    "SynapticConv2D": {"filters": 4, "kernel_size": 3},
}
OF_KERAS = [("SynapticConv2D", name) for name in ("kernel_size", "strides", "dilation_rate")]


def needed(name: str) -> dict[str, object]:
    """Arguments that a layer cannot be made without, of a new one those of its case in the contract's table."""
    required = [
        argument
        for argument, parameter in inspect.signature(getattr(ours, name).__init__).parameters.items()
        if parameter.default is parameter.empty and argument in CASES[name]["init_kwargs"]
    ]
    return NEEDED.get(name) or {argument: CASES[name]["init_kwargs"][argument] for argument in required}


def integers() -> list[tuple[str, str]]:
    """Every argument of a public layer that is an integer by its annotation."""
    found = []
    for name in ours.__all__:
        for argument, parameter in inspect.signature(getattr(ours, name).__init__).parameters.items():
            if re.search(r"\bint\b", str(parameter.annotation)):
                found.append((name, argument))
    return [*found, *OF_KERAS]


@pytest.mark.once
def test_all_layers_have_integers_where_they_should() -> None:
    assert len(integers()) > 30 and {name for name, _ in integers()} >= set(NEEDED)


@pytest.mark.once
@pytest.mark.parametrize(("name", "argument"), integers())
def test_integers_of_numpy_are_taken_and_truth_values_refused(name: str, argument: str) -> None:
    make, arguments = getattr(ours, name), needed(name)
    parameter = inspect.signature(make.__init__).parameters.get(argument)
    usual = arguments.get(argument, parameter.default if parameter is not None else 1)
    value = usual if isinstance(usual, int) else 1
    layer = make(**{**arguments, argument: np.int64(value)})
    kept = layer.get_config().get(argument, value)  # a stride that can only be 1 is not kept
    numbers = kept if isinstance(kept, tuple) else (kept,)
    assert all(type(number) is int and number == value for number in numbers), (
        f"{name}({argument}=np.int64({value})) keeps {kept!r}, which is no int of Python: "
        "let `check_whole` or `check_square` of zoo/math/values.py check the argument, and keep what it returns"
    )
    for wrong in (True, np.bool_(True), float(value), str(value)):
        with pytest.raises(ValueError, match=rf"Expected `{argument}` to be .*; got "):
            make(**{**arguments, argument: wrong})


COMMON = {
    "activation": "relu",
    "bias_initializer": "ones",
    "kernel_regularizer": "l1",
    "bias_regularizer": "l2",
    "kernel_constraint": keras.constraints.MaxNorm(0.5, axis=[0, 1]),
    "bias_constraint": "non_neg",
    "use_bias": True,
}
EDGES = np.array([[[0, 1], [1, 0], [1, 2], [2, 1]]], "int32")
CONVOLUTIONS = {
    "GConv2D": ({"filters": 3}, (normal(2, 6, 6, 8),)),
    "LiftingConv2D": ({"filters": 3}, (normal(2, 6, 6, 2),)),
    "LogPolarConv2D": ({"filters": 3, "kernel_size": 5}, (normal(2, 6, 6, 2),)),
    "GraphConvolution": ({"units": 3}, (normal(1, 3, 2), EDGES)),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_what_all_convolutions_take(name: str) -> None:
    arguments, inputs = CONVOLUTIONS[name]
    layer = getattr(ours, name)(**arguments, **COMMON)
    plain = getattr(ours, name)(**arguments, use_bias=True)
    layer(*inputs), plain(*inputs)
    assert np.all(keras.ops.convert_to_numpy(layer.bias) == 1)
    layer.bias.assign(-np.ones(3, "float32"))
    plain.set_weights(layer.get_weights())
    before, after = (keras.ops.convert_to_numpy(made(*inputs)) for made in (plain, layer))
    np.testing.assert_allclose(after, np.maximum(before, 0), atol=1e-6)
    assert (before < 0).any()  # else the activation is not seen
    kernel, bias = layer.kernel, layer.bias
    assert type(kernel.constraint).__name__ == "MaxNorm" and type(bias.constraint).__name__ == "NonNeg"
    assert type(kernel.regularizer).__name__ == "L1" and type(bias.regularizer).__name__ == "L2"
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    if hasattr(layer, "plain_convolution"):  # folding would lose the activation
        assert layer.plain_convolution() is None and plain.plain_convolution() is not None


@pytest.mark.parametrize(("name", "channels", "kind"), [("LiftingConv2D", 2, "image"), ("GConv2D", 16, "fields")])
def test_dilated_windows(name: str, channels: int, kind: str) -> None:
    """Equivariant, and the same as a larger window with zeros between the taps."""
    x = normal(2, 7, 9, channels)
    layer = getattr(ours, name)(2, 3, group="p4m", dilation_rate=2, activation="tanh")
    wide = getattr(ours, name)(2, 5, group="p4m", activation="tanh")
    layer.build(x.shape), wide.build(x.shape)
    randomize(layer)
    kernel = np.zeros(wide.kernel.shape, "float32")
    kernel[::2, ::2] = keras.ops.convert_to_numpy(layer.kernel)
    wide.kernel.assign(kernel)
    expected, found = (keras.ops.convert_to_numpy(made(x)) for made in (wide, layer))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert layer.compute_output_shape(x.shape) == found.shape == (2, 7, 9, 16)
    assert layer.macs(x.shape) * 25 == wide.macs(x.shape) * 9
    assert layer.plain_convolution() is None
    assert equivariance_error(layer, x, "p4m", inputs=kind, outputs="fields").max() < 5e-6
    valid = getattr(ours, name)(2, 3, group="p4m", dilation_rate=2, padding="valid")
    assert valid.compute_output_shape(x.shape) == valid(x).shape == (2, 3, 5, 16)
    with pytest.raises(ValueError, match="Expected `strides` or `dilation_rate` to be 1; got strides=2"):
        getattr(ours, name)(2, strides=2, dilation_rate=2)
