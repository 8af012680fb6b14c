"""Weights of torchvision's and timm's networks by a formula, for golden logits that timm's modules gave."""

from __future__ import annotations

import dataclasses
import zlib

import keras
import numpy as np

import zoo
from zoo.testing import Golden


def formula(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of one tensor."""
    normal = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        normal = 0.8 + 0.2 * np.abs(normal)
    elif name.endswith(("running_mean", "bias")):
        normal = 0.1 * normal
    else:
        normal = normal * (1 / np.prod(shape[1:])) ** 0.5 if len(shape) > 1 else 1 + 0.1 * normal
    return normal.astype("float32")


def state_dict(golden: Golden) -> dict[str, np.ndarray]:
    """All tensors of a fixture's network by their names."""
    shapes = [tuple(map(int, str(shape).split("x"))) for shape in golden["shapes"]]
    return {str(name): formula(str(name), shape) for name, shape in zip(golden["names"], shapes, strict=True)}


def pixels() -> np.ndarray:
    """The normalised pixels of the fixtures, NHWC."""
    return np.random.RandomState(21).standard_normal((2, 3, 64, 64)).astype("float32").transpose(0, 2, 3, 1)


def core(model: keras.Model, size: int) -> keras.Model:
    """A network from normalised pixels of another size on, with the weights of `model`."""
    config = zoo.hub.origin_of(model).config
    twin = zoo.build(dataclasses.replace(config, input_shape=(size, size, config.input_shape[-1])))
    twin.set_weights(model.get_weights())
    return keras.Model(twin.layers[1].output, twin.output)
