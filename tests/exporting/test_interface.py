"""Under which names a model's inputs and outputs are exported, and in which type."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.exporting.cases import make_cases
from zoo.exporting.interface import interface_of
from zoo.exporting.precision import in_float32, precision_of
from zoo.exporting.report import tolerance_of

pytestmark = pytest.mark.once

L, ops = keras.layers, keras.ops


def inputs(*names: str, **options) -> list:
    return [keras.Input((4,), name=name, **options) for name in names]


def called(model: keras.Model) -> dict[str, np.ndarray]:
    """The outputs of ones, twos, ... for the inputs in order, by name."""
    interface = interface_of(model)
    given = {name: np.full((2, 4), number + 1.0, "float32") for number, name in enumerate(interface.inputs)}
    return {name: ops.convert_to_numpy(value) for name, value in interface.call(given).items()}


def test_outputs_of_one_layer_are_numbered():
    left, right = inputs("left", "right")
    head = L.Dense(3, name="embedding")
    found = called(keras.Model([left, right], [head(left), head(right)]))
    kernel = ops.convert_to_numpy(head.kernel)
    assert list(found) == ["embedding", "embedding_1"]
    assert found["embedding"] == pytest.approx(np.ones((2, 4)) @ kernel, abs=1e-5)
    assert found["embedding_1"] == pytest.approx(2 * np.ones((2, 4)) @ kernel, abs=1e-5)


def test_several_outputs_of_one_call():
    words = keras.Input((5, 2), name="words")
    lstm = L.LSTM(3, return_sequences=True, return_state=True, name="lstm")
    interface = interface_of(keras.Model(words, lstm(words)))
    found = interface.call({"words": ops.ones((2, 5, 2))})
    assert {name: tuple(value.shape) for name, value in found.items()} == {
        "lstm": (2, 5, 3),
        "lstm_1": (2, 3),
        "lstm_2": (2, 3),
    }
    assert ops.convert_to_numpy(found["lstm_1"]) == pytest.approx(ops.convert_to_numpy(found["lstm"])[:, -1])


def test_numbers_that_are_taken_are_left_out():
    (x,) = inputs("x")
    double, other = L.Rescaling(2.0, name="y"), L.Rescaling(5.0, name="y_1")
    found = called(keras.Model(x, [double(x), double(double(x)), other(x)]))
    assert {name: float(value[0, 0]) for name, value in found.items()} == {"y": 2.0, "y_2": 4.0, "y_1": 5.0}


def test_an_input_that_is_an_output_and_one_tensor_twice():
    (x,) = inputs("x")
    y = L.Rescaling(2.0, name="y")(x)
    found = called(keras.Model(x, [x, y, y]))
    assert {name: float(value[0, 0]) for name, value in found.items()} == {"x_1": 1.0, "y": 2.0, "y_1": 2.0}


def test_keys_of_dictionaries():
    b, a = inputs("b", "a")
    found = called(keras.Model({"b": b, "a": a}, {"z": a * 10.0, "c": b * 100.0}))  # a comes first: Keras sorts
    assert {name: float(value[0, 0]) for name, value in found.items()} == {"c": 200.0, "z": 10.0}


def test_nested_inputs_and_scalars():
    x, z = inputs("x", "z")
    found = called(keras.Model([x, [z]], [L.Rescaling(1.0, name="y")(x), ops.sum(z)]))
    assert found["y"].shape == (2, 4) and [float(v) for v in found.values() if not v.shape] == [16.0]


def test_names_that_no_argument_may_have():
    dash, dot, digit = inputs("my-input", "my.input", "1")
    net = keras.Model([dash, dot, digit], L.Rescaling(1.0, name="out-put")(dash + 10.0 * dot + 100.0 * digit))
    assert list(interface_of(net).inputs) == ["my_input", "my_input_1", "input_1"]
    assert float(called(net)["out-put"][0, 0]) == 321.0


def test_sequential_models_and_fixed_batches():
    model = keras.Sequential([keras.Input((4,), batch_size=8, name="x"), L.Dense(2, name="y")])
    interface = interface_of(model)
    assert interface.inputs["x"].shape == (8, 4) and not interface.any_batch
    assert [case[1]["y"].shape for case in make_cases(interface, None)] == [(8, 2), (8, 2)]


def test_a_model_without_a_graph():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="Expected a functional Keras model with known inputs; got Own"):
        interface_of(Own())


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_float16"])
def test_models_of_sixteen_bits(policy):
    x = keras.Input((4,), dtype=policy.removeprefix("mixed_"), name="x")
    model = keras.Model(x, ops.cast(L.Dense(2, dtype=policy, name="float16")(x), "bfloat16"))
    made = in_float32(model)
    assert precision_of(model) == "bfloat16" and precision_of(made) == "float32"
    assert made.inputs[0].dtype == made.outputs[0].dtype == "float32" and made.layers[1].name == "float16"
    for old, new in zip(model.weights, made.weights, strict=True):
        assert new.dtype == "float32"
        assert np.array_equal(ops.convert_to_numpy(ops.cast(old, "float32")), ops.convert_to_numpy(new))
    assert tolerance_of("savedmodel", None, "bfloat16")[1] == 3e-2
    assert [tolerance_of(format, None)[1] for format in ("savedmodel", "onnx", "litert")] == [1e-5, 1e-4, 1e-4]
