"""Small networks for the tests of pruning, with random weights."""

import dataclasses

import keras
import numpy as np

from tests.layers.equivariant import randomize
from zoo.models.synaptic import BottleneckConfig, DenseNetConfig, ResNetConfig, VGGConfig, build

CONFIGS = {
    "vgg": VGGConfig(name="vgg", input_shape=(8, 8, 3), widths=((6, 8), (10, 12))),
    "resnet": ResNetConfig(name="resnet", input_shape=(8, 8, 3), widths=(4, 8), blocks=(2, 1)),
    "projected": ResNetConfig(name="projected", input_shape=(8, 8, 3), widths=(4, 8), blocks=(2, 1), projection=True),
    "densenet": DenseNetConfig(name="densenet", input_shape=(8, 8, 3), growth=3, layers=(2, 2), stem=6),
    "bottleneck": BottleneckConfig(
        name="bottleneck", input_shape=(16, 16, 3), num_classes=5, widths=(4, 8), blocks=(1, 1)
    ),
}


def made(name: str, form: str = "parameter", **fields) -> keras.Model:
    """A network of this name; with negative scales among its weights where it has scales."""
    model = build(dataclasses.replace(CONFIGS[name], form=form, **fields))
    mask = {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights if weight.path.endswith("mask")}
    randomize(model)
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if weight.path in mask:
            weight.assign(mask[weight.path])
        elif weight.path.endswith("gamma"):
            weight.assign(keras.ops.convert_to_numpy(weight) * rng.choice([-1, 1, 1], size=weight.shape))
    return model


def pixels(model: keras.Model, count: int = 3) -> np.ndarray:
    return np.random.default_rng(2).uniform(0, 255, (count, *model.input_shape[1:])).astype("float32")


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Eagerly: models of few layers are run once or twice, and compiling them takes longer."""
    return np.array(keras.ops.convert_to_numpy(model(x, training=False)))


def values(model: keras.Model) -> dict[str, np.ndarray]:
    return {weight.path: np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights}


def shake(model):
    """Random weights that neither vanish nor explode, some scales negative."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        values = rng.normal(size=weight.shape)
        if weight.path.endswith(("variance", "gamma")):
            values = rng.uniform(0.5, 1.5, size=weight.shape)
            values = values * rng.choice([-1, 1, 1], size=weight.shape) if weight.path.endswith("gamma") else values
        elif len(weight.shape) > 1:
            values = values * np.sqrt(2 / np.prod(weight.shape[:-1]))
        if "seed_generator" not in weight.path and "normalization/count" not in weight.path:
            weight.assign(values.astype("float32"))
