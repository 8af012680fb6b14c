"""Networks drawn from the models."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from zoo.visual import plot_architecture
from zoo.visual.architecture import _repeated, architecture_steps

pytestmark = pytest.mark.once


def network() -> keras.Model:
    inputs = x = keras.Input((8, 8, 3))
    for width in (4, 4, 4, 8):
        x = keras.layers.ReLU()(keras.layers.Conv2D(width, 3, padding="same")(x))
    shared = keras.layers.Conv2D(8, 1)
    x = keras.layers.Add()([shared(x), shared(x)])
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(x)), name="small")


def test_every_weight_is_shown_once_per_call_and_repetitions_are_found() -> None:
    steps = list(architecture_steps(network()))
    assert [step.kind for step in steps] == ["Conv2D"] * 6 + ["GlobalMaxPooling2D", "Dense"]
    assert steps[0].weights == 3 * 9 * 4 + 4 and steps[0].shape == (8, 8, 4)
    assert [(len(group), times) for group, times in _repeated(steps)] == [
        *[(1, 1), (1, 2), (1, 1), (1, 2), (1, 1), (1, 1)],
    ]


def test_patterns_of_several_layers() -> None:
    found = list(_repeated(list("xababab")))  # type: ignore[arg-type]
    assert found == [(["x"], 1), (["a", "b"], 3)]


def test_the_picture_grows_with_the_network(tmp_path: Path) -> None:
    path = plot_architecture(network(), path=tmp_path / "a.svg", title="mine")
    assert path.read_text().startswith("<?xml")
    with pytest.raises(ValueError, match=r"ends in \.png or \.svg"):
        plot_architecture(network(), path=tmp_path / "a.jpg")


def test_what_has_no_graph(tmp_path: Path) -> None:
    class Mine(keras.Model):
        def call(self, x):  # type: ignore[no-untyped-def]
            return x

    with pytest.raises(ValueError, match="no functional model"):
        plot_architecture(Mine(name="mine"), path=tmp_path / "a.png")
