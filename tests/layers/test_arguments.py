"""Arguments of layers: numbers as NumPy and Keras write them, the order of channels, and maps of other groups."""

from __future__ import annotations

import warnings

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal
from tests.layers.test_contract import CASES
from zoo import layers as ours

MAPS = [
    pytest.param(getattr(ours, name), {**CASES[name]["init_kwargs"]}, id=name)
    for name in ours.__all__
    if len(CASES[name]["input_shape"]) == 4 and not issubclass(getattr(ours, name), keras.layers.Conv2D)
]
"""The layers of maps by the contract's table, a new one among them; a `Conv2D` of Keras takes both orders."""


def test_numpy_integers_and_pairs_are_numbers() -> None:
    layer = ours.GConv2D(np.int64(4), (3, 3), strides=[2, 2])
    assert (layer.filters, layer.kernel_size, layer.strides) == (4, 3, 2)
    assert all(type(value) is int for value in (layer.filters, layer.kernel_size, layer.strides))
    assert ours.LogPolarConv2D(np.int32(4), np.array([5])[0], strides=(1, 1)).kernel_size == (5, 5)
    assert ours.BlockMaxPooling2D((2, 2)).pool_size == 2
    assert ours.PDEGCNBlock(np.int8(3), step_size=np.float32(0.5)).get_config()["step_size"] == 0.5
    assert ours.SharedBasisConv2D(np.int64(4), unique=np.int64(2), groups=np.int64(2)).get_config()["unique"] == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ours.LiftingConv2D(True), "Expected `filters` to be a positive integer; got True"),
        (lambda: ours.GConv2D(4, 3.0), "Expected `kernel_size` to be an odd positive integer .* got 3.0"),
        (lambda: ours.GConv2D(4, (3, 5)), r"`kernel_size` to be the same along both axes; got \(3, 5\)"),
        (lambda: ours.GConv2D(4, strides=(1, 2)), r"`strides` to be the same along both axes; got \(1, 2\)"),
        (lambda: ours.LogPolarConv2D(4, 5, strides="2"), "`strides` to be a positive integer; got '2'"),
        (lambda: ours.GDropout("0.5"), r"`rate` to be a number in \[0, 1\); got '0.5'"),
        (lambda: ours.GBatchNormalization(epsilon=float("nan")), "`epsilon` to be a number of at least 0; got nan"),
        (lambda: ours.GroupPooling(mode=["max"]), r"`mode` to be one of \"max\", \"mean\"; got \['max'\]"),
        (lambda: ours.PDEGCNBlock(True), "`depth` to be a positive integer; got True"),
        (lambda: ours.E4Conv2D(4, slices=np.bool_(True)), "`slices` to be a positive integer"),
    ],
)
def test_what_is_no_number_is_refused_in_one_dialect(make, words) -> None:
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(("layer", "arguments"), MAPS)
def test_the_other_order_of_channels_is_refused(layer, arguments, monkeypatch) -> None:
    with pytest.raises(ValueError, match=f"data_format=.channels_last. for {layer.__name__}.*got 'channels_first'"):
        layer(**arguments, data_format="channels_first")
    made = layer(**arguments, name="a")
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    with pytest.raises(ValueError, match=r"image_data_format\(\) is 'channels_first'.*Permute"):
        layer(**arguments)
    assert layer.from_config(made.get_config()).data_format == "channels_last"
    assert layer(**arguments, data_format="channels_last").data_format == "channels_last"
    before = {name: value for name, value in made.get_config().items() if name != "data_format"}
    assert layer.from_config(before).data_format == "channels_last"  # of a file from before there was the argument


def caught(call) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return [str(each.message) for each in found if "not exactly equivariant" in str(each.message)]


@pytest.mark.parametrize("layer", [ours.GConv2D(2, strides=2, name="a"), ours.BlockMaxPooling2D(2, name="a")])
def test_layers_told_nothing_of_their_size_warn_when_called(layer) -> None:
    inputs = keras.Input((None, None, 4))
    inexact, exact = ((8, 8), (7, 7)) if isinstance(layer, ours.GConv2D) else ((7, 7), (8, 8))
    model = keras.Model(inputs, layer(inputs))
    assert caught(lambda: model(np.zeros((1, *exact, 4), "float32"))) == []
    found = caught(lambda: model(np.zeros((1, *inexact, 4), "float32")))
    assert len(found) == 2 and "Layer 'a'" in found[0] and f"height {inexact[0]}" in found[0]


def test_windows_that_do_not_fit_are_refused_when_called() -> None:
    pooling = ours.BlockMaxPooling2D(4, name="a")
    pooling.build((None, None, None, 3))
    with pytest.raises(ValueError, match="'a' has windows of 4 x 4 pixels .* maps of 3 x 8"):
        pooling(normal(1, 3, 8, 3))
    log_polar = ours.LogPolarConv2D(2, 5, padding="valid", name="b")
    log_polar.build((None, None, None, 3))
    with pytest.raises(ValueError, match="'b' with padding='valid' expects images at least as large"):
        log_polar(normal(1, 4, 8, 3))


def test_maps_of_another_group_are_refused_in_functional_models() -> None:
    x = ours.LiftingConv2D(4, group="p4m", name="lift")(keras.Input((8, 8, 3)))
    kept = keras.layers.ReLU()(ours.BlockMaxPooling2D(2)(keras.layers.Add()([x, ours.GDropout(0.1, "p4m")(x)])))
    for layer in (ours.GConv2D(4), ours.E4Conv2D(4), ours.GBatchNormalization(), ours.GroupPooling(), ours.GDropout(0)):
        with pytest.raises(ValueError, match=f"{type(layer).__name__}. expects feature maps on p4; got .* on p4m"):
            layer(kept)
    with pytest.raises(ValueError, match="expects feature maps on the plane; got those of layer"):
        ours.LiftingConv2D(4)(kept)
    plane = ours.GroupPooling("p4m", name="pool")(ours.GConv2D(8, group="p4m")(kept))
    with pytest.raises(ValueError, match="expects feature maps on p4m; got those of layer 'pool'.*on the plane"):
        ours.GConv2D(4, group="p4m")(plane)
    ours.GConv2D(4, group="p4")(keras.layers.Conv2D(8, 3)(kept))  # of another convolution nothing is known


def test_a_model_within_a_model_is_looked_into() -> None:
    inputs = keras.Input((8, 8, 3))
    body = keras.Model(inputs, keras.layers.ReLU()(ours.LiftingConv2D(4, group="p4m")(inputs)))
    with pytest.raises(ValueError, match="expects feature maps on p4; got"):
        ours.GConv2D(4, group="p4")(body(keras.Input((8, 8, 3))))


def test_what_went_into_a_model_within_a_model_and_joined_maps_are_followed() -> None:
    inputs = keras.Input((8, 8, 3))
    large, small = (ours.LiftingConv2D(4, group=group, name=group)(inputs) for group in ("p4m", "p4"))
    through = keras.Sequential([keras.layers.ReLU(), keras.layers.MaxPooling2D()])(large)
    with pytest.raises(ValueError, match="expects feature maps on p4; got those of layer 'p4m'"):
        ours.GConv2D(4)(through)
    assert ours.GConv2D(4, group="p4m")(through).shape == (None, 4, 4, 32)
    both = keras.layers.Concatenate()([small, large])
    for group, found in (("p4", "p4m"), ("p4m", "p4")):
        with pytest.raises(ValueError, match=f"expects feature maps on {group}; got those of layer '{found}'"):
            ours.GConv2D(4, group=group)(both)
    weighed = keras.layers.Multiply()([small, ours.GroupPooling()(ours.LiftingConv2D(1)(inputs))])
    assert ours.GConv2D(4)(weighed).shape == (None, 8, 8, 16)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_sums_of_maps_do_not_stop_in_sixteen_bits(policy) -> None:
    """Forward and backward: a sum of many equal numbers is off by no more than a rounding."""
    ones = np.ones((1, 24, 24, 64), "float32")
    layers = [
        ours.LiftingConv2D(1, 1, use_bias=True, kernel_initializer="zeros", dtype=policy),
        ours.LogPolarConv2D(1, 13, pooling="sum", center=False, kernel_initializer="ones", dtype=policy),
    ]
    assert gradient_of_bias(layers[0], ones) == pytest.approx(24 * 24 * 4, rel=5e-3)
    middle = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(layers[1](ones), "float32")))[0, 12, 12, 0]
    assert middle == pytest.approx(169 * 64, rel=5e-3)


def gradient_of_bias(layer, x) -> float:
    """What the sum of all outputs changes by per unit of the bias, from one step of SGD."""
    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(1.0), SumLoss(), jit_compile=False)
    model.train_on_batch(x, np.zeros(1))
    return -float(np.asarray(keras.ops.convert_to_numpy(layer.bias))[0])  # it began at 0


class SumLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.sum(keras.ops.cast(y_pred, "float32"), axis=(1, 2, 3))
