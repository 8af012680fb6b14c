"""Every equivariant layer commutes with every element of its group, with random weights and on awkward grids."""

import warnings

import keras
import numpy as np
import pytest

from tests.layers.equivariant import normal, randomize
from zoo.evaluation import equivariance_error
from zoo.layers import BlockMaxPooling2D, E4Conv2D, GBatchNormalization, GConv2D, GDropout, GroupPooling, LiftingConv2D
from zoo.math import get_group

ROUND_OFF = 5e-6
GROUPS = ["p4", "p4m"]
SIZES = [(8, 8), (7, 7), (6, 9)]


def error(layer, x, group, **kinds):
    layer.build(x.shape)
    randomize(layer)
    return equivariance_error(layer, x, group, **kinds).max()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("group", GROUPS)
def test_convolutions(group, kernel_size, size):
    order = get_group(group).order
    lifting = LiftingConv2D(4, kernel_size, group=group, use_bias=True)
    assert error(lifting, normal(2, *size, 3), group) < ROUND_OFF
    for padding in ("same", "valid"):
        convolution = GConv2D(4, kernel_size, group=group, padding=padding, use_bias=True)
        assert error(convolution, normal(2, *size, 3 * order), group, inputs="fields") < ROUND_OFF


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("group", GROUPS)
def test_e4(group, size):
    layer = E4Conv2D(6, 5 if group == "p4" else 3, slices=3, reduction=2, group=group)
    assert error(layer, normal(2, *size, 4 * get_group(group).order), group, inputs="fields") < ROUND_OFF


@pytest.mark.parametrize("group", GROUPS)
def test_norm_in_training_and_inference(group):
    x = normal(3, 5, 6, 4 * get_group(group).order)
    layer = GBatchNormalization(group)
    assert error(layer, x, group, inputs="fields") < ROUND_OFF
    train = equivariance_error(lambda t: layer(t, training=True), x, group, inputs="fields")
    assert train.max() < ROUND_OFF


@pytest.mark.parametrize("mode", ["max", "mean"])
@pytest.mark.parametrize("group", GROUPS)
def test_pooling(group, mode):
    x = normal(2, 4, 6, 3 * get_group(group).order)
    assert equivariance_error(GroupPooling(group, mode=mode), x, group, inputs="fields", outputs="image").max() < 1e-6
    assert equivariance_error(BlockMaxPooling2D(2), x, group, inputs="fields").max() == 0


def test_spatial_dropout_commutes_for_a_fixed_mask():
    layer = GDropout(0.5, "p4", spatial=True, seed=3)
    x = normal(2, 4, 4, 80)

    def drop(inputs):  # the same random numbers in every call
        layer.seed_generator.state.assign(np.array([0, 3], dtype="uint32"))
        return layer(inputs, training=True)

    dropped = keras.ops.convert_to_numpy(drop(x))
    assert (dropped == 0).any() and (dropped != 0).any()
    assert equivariance_error(drop, x, "p4", inputs="fields").max() == 0


def test_dropout_drops_all_orientations_and_keeps_the_mean():
    layer = GDropout(0.25, "p4", seed=0)
    x = np.ones((8, 10, 10, 40), "float32")
    dropped = keras.ops.convert_to_numpy(layer(x, training=True)).reshape(8, 10, 10, 10, 4)
    assert (dropped == dropped[..., :1]).all()
    assert set(np.unique(dropped)) == {0, np.float32(4 / 3)}
    assert abs(dropped.mean() - 1) < 0.05
    assert np.array_equal(keras.ops.convert_to_numpy(layer(x)), x)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("size", [(7, 7), (8, 8), (9, 7), (7, 8)])
def test_stride_two_is_exact_just_where_no_warning_is_given(size, padding):
    # k = 3: both paddings need odd sizes.
    x = normal(2, *size, 8)
    layer = GConv2D(3, 3, group="p4", strides=2, padding=padding)
    exact = size[0] % 2 == 1 and size[1] % 2 == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = error(layer, x, "p4", inputs="fields")
    assert any("not exactly equivariant" in str(entry.message) for entry in caught) != exact
    assert (found < ROUND_OFF) == exact


def test_pooling_warns_on_odd_sizes():
    with pytest.warns(UserWarning, match="not exactly equivariant"):
        BlockMaxPooling2D(2).build((None, 7, 8, 4))


def test_concatenation_of_fields_stays_equivariant():
    inputs = keras.Input((6, 6, 8))
    branches = [GConv2D(3, 3, group="p4", name="a")(inputs), E4Conv2D(2, 3, slices=1, group="p4", name="b")(inputs)]
    joined = keras.layers.Concatenate()(branches)
    model = keras.Model(inputs, GConv2D(2, 1, group="p4", name="c")(joined))
    randomize(model)
    assert equivariance_error(model, normal(2, 6, 6, 8), "p4", inputs="fields").max() < ROUND_OFF


def test_an_ordinary_convolution_is_caught():
    layer = keras.layers.Conv2D(4, 3, padding="same")
    assert equivariance_error(layer, normal(2, 6, 6, 4), "p4", inputs="fields").max() > 0.1


def test_equivariance_error_rejects_what_it_cannot_measure():
    with pytest.raises(ValueError, match="finite"):
        equivariance_error(lambda x: x, np.full((1, 4, 4, 4), np.nan))
    with pytest.raises(ValueError, match="one of"):
        equivariance_error(lambda x: x, normal(1, 4, 4, 4), outputs="scalar")
