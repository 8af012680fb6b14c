"""New heads on old bodies."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo

pytestmark = pytest.mark.once


def arrays(model, *, head=False):
    return {
        weight.path: keras.ops.convert_to_numpy(weight)
        for weight in model.weights
        if (weight.path.split("/")[0] == "head") == head
    }


def test_the_body_stays_and_the_head_is_new(tmp_path):
    model = zoo.build("resnet32_cifar10")
    zoo.freeze(model, until="head")
    model.get_layer("head").trainable = False
    made = zoo.reset_head(model, labels=["cat", "dog", "owl"])
    assert made.labels == ("cat", "dog", "owl") and made.output_shape == (None, 3) and not made.compiled
    for path, value in arrays(model).items():
        np.testing.assert_array_equal(arrays(made)[path], value, err_msg=path)
    assert {variable.path for variable in made.trainable_variables} == {"head/kernel", "head/bias"}
    assert arrays(made, head=True)["head/kernel"].std() > 0 and model.output_shape == (None, 10)
    made.get_layer("stem").kernel.assign(made.get_layer("stem").kernel * 0)
    assert arrays(model)["stem/kernel"].any()  # variables of its own
    zoo.save(made, tmp_path / "animals")
    again = zoo.load(tmp_path / "animals", compile=False)
    assert again.labels == made.labels
    np.testing.assert_array_equal(arrays(again, head=True)["head/kernel"], arrays(made, head=True)["head/kernel"])


def test_the_same_number_of_classes_still_gives_a_new_head():
    model = zoo.build("e4net_mnistrot")
    made = zoo.reset_head(model, 10)
    assert made.labels == tuple(map(str, range(10)))
    assert (arrays(made, head=True)["head/kernel"] != arrays(model, head=True)["head/kernel"]).any()


def test_a_model_of_ones_own_becomes_one_of_zoos():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Conv2D(4, 3, name="conv")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="answer")(x), name="mine")
    model.compile("sgd", "mse")
    made = zoo.reset_head(model, labels=["a", "b", "c"])
    assert made.labels == ("a", "b", "c") and made.layers[-1].name == "head" and made.compiled
    np.testing.assert_array_equal(arrays(made)["conv/kernel"], arrays(model)["conv/kernel"])
    twice = zoo.reset_head(made, 4)
    assert twice.output_shape == (None, 4) and twice.origin.config.num_classes == 4


def test_heads_of_pixels_are_convolutions():
    made = zoo.reset_head(zoo.build("lpsc_deeplabv3_mobilenetv2_voc2012", input_shape=(33, 33, 3)), 4)
    assert made.output_shape == (None, 33, 33, 4) and made.origin.config.num_classes == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "positive integer; got None"),
        ({"num_classes": 3, "labels": ["a", "b"]}, "Expected 3 class names"),
        ({"labels": ["a", "a"]}, "each one once"),
    ],
)
def test_classes_that_cannot_be_meant_are_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        zoo.reset_head(zoo.build("e4net_mnistrot"), **arguments)


def test_a_model_without_a_head_is_refused():
    with pytest.raises(ValueError, match="has no head"):
        zoo.reset_head(zoo.build("e4net_mnistrot", include_head=False), 3)
