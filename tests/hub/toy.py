"""A tiny family for the hub's tests: convolution, normalisation, dropout, head."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from zoo.models.preset import Paper, Preset
from zoo.models.recipe import Recipe


@dataclass(frozen=True)
class ToyConfig:
    name: str
    input_shape: tuple[int | None, ...] = (8, 8, 1)
    num_classes: int = 3
    width: int = 4
    include_head: bool = True


def build(config: ToyConfig) -> keras.Model:
    inputs = keras.Input(config.input_shape, name="images")
    x = keras.layers.Rescaling(1 / 255, name="normalise")(inputs)
    x = keras.layers.Conv2D(config.width, 3, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.1, seed=1, name="dropout")(x)
    if config.include_head:
        x = keras.layers.Dense(config.num_classes, name="head")(x)
    return keras.Model(inputs, x, name=config.name)


PAPER = Paper(key="toy", title="Toys", authors="A. Maker", venue="Shelf", year=2026, url="https://example.org/toy")


def _preset(name: str, width: int, task: str = "image-classification") -> Preset:
    return Preset(
        name=name,
        config=ToyConfig(name=name, width=width),
        summary=f"a toy of width {width}",
        paper=PAPER,
        dataset="toys",
        labels=("bear", "car", "doll"),
        parameters=9 * width + width + 2 * width + 3 * width + 3,
        task=task,
    )


PRESETS = (_preset("toy_w10_shelf", 10), _preset("toy_w4_shelf", 4), _preset("toy_w2_box", 2, task="image-labelling"))
RECIPES = {"toy_w4_shelf": Recipe(dataset="toys", epochs=1, batch_size=2)}
