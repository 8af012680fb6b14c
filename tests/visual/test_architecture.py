"""Networks drawn from the models."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

from zoo.layers import SharedBasisConv2D, SharedFilterBasis
from zoo.visual import plot_architecture
from zoo.visual._steps import count_weights, read_network, repeated
from zoo.visual.architecture import architecture_steps

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
    assert [(len(group), times) for group, times in repeated(steps)] == [
        *[(1, 1), (1, 2), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1)],
    ]


def test_patterns_of_several_layers() -> None:
    found = list(repeated(list("xababab")))  # type: ignore[arg-type]
    assert found == [(["x"], 1), (["a", "b"], 3)]


def test_branches_are_found_with_what_lies_on_them() -> None:
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    for _ in range(3):
        y = keras.layers.ReLU()(keras.layers.Conv2D(4, 3, padding="same")(x))
        x = keras.layers.Add()([x, keras.layers.Conv2D(4, 3, padding="same")(y)])
    y = keras.layers.Conv2D(8, 3, strides=2, padding="same")(x)
    y = keras.layers.Conv2D(8, 3, padding="same")(y)
    x = keras.layers.ReLU()(keras.layers.Add()([y, keras.layers.Conv2D(8, 1, strides=2)(x)]))
    drawing = read_network(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling2D()(x))))
    assert [(len(group), times) for group, times in repeated(drawing.steps)][:2] == [(1, 1), (2, 3)]
    assert [step.joins for step in drawing.steps[:3]] == [(), (), (("Add", 2),)]
    beside = [number for number, step in enumerate(drawing.steps, start=1) if step.beside]
    assert len(beside) == 1 and drawing.steps[beside[0] - 1].window == (1, 1)
    (last,) = (place for place in drawing.through if drawing.through[place])
    assert last == (7, 10) and drawing.through[last] == (beside[0],) and not drawing.users


def test_shared_weights_are_told_with_those_who_use_them(tmp_path: Path) -> None:
    inputs = x = keras.Input((8, 8, 4))
    basis = SharedFilterBasis(6)(x)
    for _ in range(2):
        x = SharedBasisConv2D(4, unique=2)(x, basis)
    model = keras.Model(inputs, x)
    drawing = read_network(model)
    assert [step.uses for step in drawing.steps] == [2, 0, 0] and drawing.users == {1: [2, 3]}
    assert not drawing.steps[2].beside
    assert plot_architecture(model, path=tmp_path / "a.png").stat().st_size > 1000


def test_a_layer_that_gives_a_number_for_each_example_is_drawn(tmp_path: Path) -> None:
    class Sum(keras.layers.Layer):
        def build(self, shape):  # type: ignore[no-untyped-def]
            self.scale = self.add_weight(shape=(shape[-1],))

        def call(self, x):  # type: ignore[no-untyped-def]
            return keras.ops.sum(x * self.scale, axis=-1)

    inputs = keras.Input((4,))
    model = keras.Model(inputs, Sum()(keras.layers.Dense(3)(inputs)))
    assert [step.shape for step in architecture_steps(model)] == [(3,), ()]
    assert plot_architecture(model, path=tmp_path / "a.png").stat().st_size > 1000


def test_frozen_weights_are_counted_and_shared_ones_once() -> None:
    model = network()
    count = count_weights(model)
    model.trainable = False
    assert count_weights(model) == count == sum(int(weight.numpy().size) for weight in model.weights)


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
