"""The contract passes for good layers of Keras, and names the clause that a broken layer breaks."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from zoo.testing import check_layer


@pytest.mark.parametrize(
    ("layer_class", "init_kwargs", "input_shape", "expected"),
    [
        (
            keras.layers.Conv2D,
            {"filters": 4, "kernel_size": 3, "padding": "same"},
            (2, 6, 5, 3),
            {
                "expected_output_shape": (2, 6, 5, 4),
                "expected_weights": 112,
                "dynamic_shape": (None, None, None, 3),
            },
        ),
        (
            keras.layers.BatchNormalization,
            {},
            (4, 3, 3, 5),
            {"expected_output_shape": (4, 3, 3, 5), "expected_weights": 10, "expected_non_trainable": 10},
        ),
        (
            keras.layers.Dropout,
            {"rate": 0.3},
            (2, 7),
            {"expected_output_shape": (2, 7), "expected_weights": 0},
        ),
    ],
    ids=["Conv2D", "BatchNormalization", "Dropout"],
)
def test_good_layers(layer_class: Any, init_kwargs: dict, input_shape: tuple, expected: dict) -> None:
    check_layer(layer_class, init_kwargs, input_shape, **expected)


@keras.saving.register_keras_serializable("zoo_tests")
class Scale(keras.layers.Layer):
    """A correct layer; each broken one below changes one thing."""

    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape: tuple) -> None:
        self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain")
        self.input_spec = keras.layers.InputSpec(axes={-1: input_shape[-1]})

    def call(self, x: Any) -> Any:
        return x * self.gain * self.factor

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable("zoo_tests")
class ForgetsArgument(Scale):
    def get_config(self) -> dict:
        config = super().get_config()
        del config["factor"]
        return config


@keras.saving.register_keras_serializable("zoo_tests")
class AltersArgument(Scale):
    def get_config(self) -> dict:
        return {**super().get_config(), "factor": self.factor + 1}


@keras.saving.register_keras_serializable("zoo_tests")
class WrongShape(Scale):
    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (*input_shape[:-1], 99)


@keras.saving.register_keras_serializable("zoo_tests")
class IgnoresWeight(Scale):
    def build(self, input_shape: tuple) -> None:
        super().build(input_shape)
        self.shift = self.add_weight(shape=(1,), initializer="ones", name="shift")

    def call(self, x: Any) -> Any:
        return super().call(x) + keras.ops.stop_gradient(self.shift)


@keras.saving.register_keras_serializable("zoo_tests")
class FixedDtype(Scale):
    def call(self, x: Any) -> Any:
        return keras.ops.cast(super().call(x), "float32")


@keras.saving.register_keras_serializable("zoo_tests")
class FixedBatch(Scale):
    """Works for the batch it was tried with, and for no other."""

    def call(self, x: Any) -> Any:
        return keras.ops.reshape(super().call(x), (2, 3))


@keras.saving.register_keras_serializable("zoo_tests")
class ForgetsState(Scale):
    """Keeps a number outside its configuration and its weights."""

    made = 0

    def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
        super().__init__(factor, **kwargs)
        ForgetsState.made += 1
        self.offset = float(ForgetsState.made)

    def call(self, x: Any) -> Any:
        return super().call(x) + self.offset


@keras.saving.register_keras_serializable("zoo_tests")
class NotFinite(Scale):
    def call(self, x: Any) -> Any:
        return keras.ops.log(-keras.ops.abs(super().call(x)))


def check(layer_class: type[keras.layers.Layer], **changes: Any) -> None:
    expected: dict[str, Any] = {"expected_output_shape": (2, 3), "expected_weights": 3, **changes}
    check_layer(layer_class, {}, (2, 3), **expected)


def test_own_layer_passes() -> None:
    check(Scale)


@pytest.mark.parametrize(
    ("layer_class", "message"),
    [
        (ForgetsArgument, r"get_config\(\) lacks the arguments \['factor'\]"),
        (AltersArgument, r"from_config\(get_config\(\)\)"),
        (WrongShape, "WrongShape: (compute_output_shape|shape of the symbolic call): expected"),
        (FixedDtype, "dtype under mixed_bfloat16: expected 'bfloat16', got 'float32'"),
        (ForgetsState, "differs by"),
        (NotFinite, "eager output is not finite"),
    ],
)
def test_broken_layers(layer_class: type[keras.layers.Layer], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check(layer_class)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expected_weights": 4}, "trainable scalars: expected 4, got 3"),
        ({"expected_non_trainable": 1}, "non-trainable scalars: expected 1, got 0"),
        ({"expected_output_shape": (2, 4)}, r"symbolic call: expected \(2, 4\), got \(2, 3\)"),
    ],
)
def test_wrong_expectations(changes: dict, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check(Scale, **changes)


def test_batch_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="batch of 2 or more"):
        check_layer(Scale, {}, (1, 3), expected_output_shape=(1, 3), expected_weights=3)


def test_a_weight_without_gradient() -> None:
    with pytest.raises(AssertionError, match=r"training moved none of \['tested/shift'\]"):
        check(IgnoresWeight, expected_weights=4)
    check(IgnoresWeight, expected_weights=4, all_weights_learn=False)


def test_a_fixed_batch() -> None:
    # The clause ends in the error of the backend, each has another type for it.
    with pytest.raises(Exception, match="shape"):
        check(FixedBatch)
