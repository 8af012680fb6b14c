"""A family of one small network with dropout, so that a resumed run must restore random states too."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from zoo.models.preset import Paper, Preset
from zoo.models.recipe import Recipe


@dataclass(frozen=True)
class DotsConfig:
    name: str = "dots_mnistrot"
    input_shape: tuple[int, int, int] = (28, 28, 1)
    num_classes: int = 10
    include_head: bool = True
    dropout: float = 0.5
    bad: bool = False


def build(config: DotsConfig) -> keras.Model:
    inputs = keras.Input(config.input_shape, name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    x = keras.layers.Conv2D(4, 3, 4, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    if config.include_head:
        start = keras.initializers.Constant(float("nan")) if config.bad else "glorot_uniform"
        x = keras.layers.Dense(config.num_classes, kernel_initializer=start, name="head")(x)
    return keras.Model(inputs, x, name=config.name)


PAPER = Paper(key="dots", title="Dots", authors="A. Maker", venue="Shelf", year=2026, url="https://example.org/dots")


def _preset(name: str, **config) -> Preset:
    return Preset(
        name=name,
        config=DotsConfig(name=name, **config),
        summary="dots",
        paper=PAPER,
        dataset="mnist_rot",
        labels=tuple("0123456789"),
        parameters=40 + 8 + 49 * 40 + 10,
        reported_error=1.5,
        reported_note="a guess",
    )


PRESETS = (_preset("dots_mnistrot"), _preset("bad_mnistrot", bad=True), _preset("bare_mnistrot"))
_RECIPE = Recipe(
    dataset="mnist_rot",
    epochs=3,
    batch_size=64,
    learning_rate=0.01,
    weight_decay=0.01,
    label_smoothing=0.1,
    augmentation=("shift",),
    overrides={"dropout": 0.2},
)
RECIPES = {"dots_mnistrot": _RECIPE, "bad_mnistrot": _RECIPE}
