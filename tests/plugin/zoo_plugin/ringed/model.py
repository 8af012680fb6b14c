from __future__ import annotations

import keras
from keras import layers

from zoo_plugin.layers import GainConv2D
from zoo_plugin.ringed.config import RingedConfig


def build(config: RingedConfig) -> keras.Model:
    inputs = keras.Input(config.input_shape, name="images")
    x = layers.Rescaling(1 / 255, name="normalise")(inputs)
    x = GainConv2D(config.width, name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="active")(x)
    x = layers.GlobalMaxPooling2D(name="pool")(x)
    if config.include_head:
        x = layers.Dense(config.num_classes, name="head")(x)
    return keras.Model(inputs, x, name=config.name)
