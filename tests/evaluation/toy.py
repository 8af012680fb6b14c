"""A family of one model that reads bars: class k is a bright bar in columns 2k and 2k + 1."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from zoo.models.preset import Paper, Preset
from zoo.models.recipe import Recipe


@dataclass(frozen=True)
class BarsConfig:
    name: str = "bars_mnistrot"
    input_shape: tuple[int, int, int] = (28, 28, 1)
    num_classes: int = 10
    include_head: bool = True


def build(config: BarsConfig) -> keras.Model:
    inputs = keras.Input(config.input_shape, name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    x = keras.layers.Flatten(name="flat")(x)
    if config.include_head:
        x = keras.layers.Dense(config.num_classes, name="head")(x)
    return keras.Model(inputs, x, name=config.name)


def teach(model: keras.Model) -> keras.Model:
    """Sets the weights that read bars."""
    kernel = np.zeros((28, 28, 10), "float32")
    for label in range(10):
        kernel[:, 2 * label : 2 * label + 2, label] = 0.2
    model.get_layer("head").set_weights([kernel.reshape(784, 10), np.zeros(10, "float32")])
    return model


def bars(labels: np.ndarray) -> np.ndarray:
    """Images of the given classes."""
    images = np.zeros((len(labels), 28, 28, 1), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 2 * label : 2 * label + 2] = 255
    return images


PAPER = Paper(key="bars", title="Bars", authors="A. Author", venue="Nowhere", year=2020, url="https://example.org")
PRESETS = (
    Preset(
        name="bars_mnistrot",
        config=BarsConfig(),
        summary="reads bars",
        paper=PAPER,
        dataset="mnist_rot",
        labels=tuple("0123456789"),
        parameters=7850,
    ),
)
RECIPES: dict[str, Recipe] = {}
