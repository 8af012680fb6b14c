"""Which models are compiled by XLA."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from zoo import hub
from zoo.layers import E4Conv2D, LogPolarConv2D

BACKEND = keras.backend.backend()


class Many(keras.layers.Layer):
    """A layer of one's own that says that it gains."""

    gains_from_xla = True

    def call(self, inputs: Any) -> Any:
        for _ in range(5):
            inputs = inputs + 1.0
        return inputs


class Other(Many):
    """What it inherits speaks of another call."""

    def call(self, inputs: Any) -> Any:
        return inputs


def model_of(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8, 8)), *layers])


@pytest.mark.parametrize(
    ("layers", "on_a_cpu"),
    [
        ([keras.layers.Conv2D(4, 3)], False),
        ([keras.layers.DepthwiseConv2D(3)], False),
        ([E4Conv2D(4, 3)], True),
        ([LogPolarConv2D(4, 9), keras.layers.Conv2D(4, 3)], True),
        ([Many()], True),
        ([Other()], False),
    ],
)
def test_on_tensorflow_only_what_gains(layers: list[Any], on_a_cpu: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of(*layers)
    assert hub.suits_xla(model) == {"tensorflow": on_a_cpu, "jax": True, "torch": False}[BACKEND]
    monkeypatch.setattr(keras.distribution, "list_devices", lambda kind=None: ["gpu:0"] if kind == "gpu" else [])
    assert hub.suits_xla(model) == (BACKEND != "torch")


def test_a_stem_on_pixels_is_a_small_part() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), LogPolarConv2D(4, 9), keras.layers.Conv2D(4, 3)])
    assert hub.suits_xla(model) == (BACKEND == "jax")


def test_a_graph_goes_without_on_tensorflow() -> None:
    inputs = {"x": keras.Input((4,))}
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs["x"]))
    assert hub.suits_xla(model) == (BACKEND == "jax")
