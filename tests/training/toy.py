"""Two small families, on images and on a graph, and data sets to train them on.

The image network has dropout and batch statistics, so that a resumed run must restore random states and all variables.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from zoo.datasets import DataSource
from zoo.hub import registry
from zoo.models.preset import Paper, Preset
from zoo.models.recipe import Recipe

SIZES = {"train": 70, "validation": 30, "test": 40}
NODES = 12


@dataclass(frozen=True)
class DotsConfig:
    name: str = "dots"
    input_shape: tuple[int, int, int] = (8, 8, 1)
    num_classes: int = 10
    include_head: bool = True
    dropout: float = 0.5
    bad: bool = False
    noisy: bool = False


@dataclass(frozen=True)
class RingConfig:
    name: str = "ring"
    features: int = 4
    num_classes: int = 3
    include_head: bool = True


def build(config: Any) -> keras.Model:
    return build_ring(config) if isinstance(config, RingConfig) else build_dots(config)


def build_dots(config: DotsConfig) -> keras.Model:
    inputs = keras.Input(config.input_shape, name="image")
    x = keras.layers.Rescaling(1 / 255, name="scale")(inputs)
    x = keras.layers.RandomRotation(0.1, name="turn")(x) if config.noisy else x
    x = keras.layers.Conv2D(4, 3, 2, name="conv")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dropout(config.dropout, name="dropout")(x)
    if config.include_head:
        start = keras.initializers.Constant(float("nan")) if config.bad else "glorot_uniform"
        x = keras.layers.Dense(config.num_classes, kernel_initializer=start, name="head")(x)
    return keras.Model(inputs, x, name=config.name)


def build_ring(config: RingConfig) -> keras.Model:
    x = keras.Input((None, config.features), name="x")
    edges = keras.Input((None, 2), dtype="int32", name="edges")
    y = Exchange(name="exchange")(x, edges)
    if config.include_head:
        y = keras.layers.Dense(config.num_classes, name="head")(y)
    return keras.Model({"x": x, "edges": edges}, y, name=config.name)


@keras.saving.register_keras_serializable(package="zoo-tests")
class Exchange(keras.layers.Layer):
    """Adds to each node what the first ends of its edges have."""

    def call(self, x: Any, edges: Any) -> Any:
        starts = keras.ops.one_hot(edges[..., 0], keras.ops.shape(x)[1], dtype=x.dtype)  # nothing for the padding, -1
        ends = keras.ops.one_hot(edges[..., 1], keras.ops.shape(x)[1], dtype=x.dtype)
        return x + keras.ops.einsum("bei,bej,bjf->bif", ends, starts, x)

    def compute_output_shape(self, x_shape: Any, edges_shape: Any) -> Any:
        return x_shape


def example_inputs(config: Any) -> Any:
    if isinstance(config, RingConfig):
        return load("rings", "test")[0]
    return np.resize(load("mnist_rot", "test")[0], (2, *config.input_shape))


def load(name: str, split: str, *, data: Any = None) -> tuple[Any, ...]:
    """Stands in for `zoo.datasets.load`: classes of images differ in brightness, those of nodes in their features."""
    rng = np.random.default_rng(list(split.encode()))
    if name == "rings":
        labels = np.arange(NODES) % 3
        features = np.random.default_rng(0).normal(size=(1, NODES, 4)) + 2 * np.eye(4)[labels]
        edges = np.stack([np.arange(NODES), np.roll(np.arange(NODES), 3)], -1)
        edges = np.concatenate([edges, [[-1, -1]]])[None].astype("int32")
        weights = (np.arange(NODES) // 3 == list(SIZES).index(split)).astype("float32")
        return {"x": features.astype("float32"), "edges": edges}, labels[None], weights[None]
    labels = np.arange(SIZES[split]) % 10
    images = rng.integers(0, 25, (SIZES[split], 8, 8, 1)) + 25 * labels[:, None, None, None]
    return images.astype("uint8"), labels


PAPER = Paper(key="dots", title="Dots", authors="A. Maker", venue="Shelf", year=2026, url="https://example.org/dots")
_COMMON: dict[str, Any] = {"paper": PAPER, "reported_error": 1.5, "reported_note": "a guess"}


def _dots(name: str, **config: Any) -> Preset:
    return Preset(
        name=name,
        config=DotsConfig(name=name, **config),
        summary="dots",
        dataset="mnist_rot",
        labels=tuple("0123456789"),
        parameters=40 + 8 + 36 * 10 + 10,
        **_COMMON,
    )


PRESETS = (
    _dots("dots"),
    _dots("thorough"),
    _dots("bad", bad=True),
    _dots("noisy", noisy=True),
    _dots("bare"),
    Preset(
        name="ring",
        config=RingConfig(),
        summary="a ring",
        dataset="rings",
        labels=("a", "b", "c"),
        parameters=15,
        task="node-classification",
        **_COMMON,
    ),
)
_DOTS = Recipe(
    dataset="mnist_rot",
    epochs=3,
    batch_size=16,
    learning_rate=0.01,
    weight_decay=0.01,
    label_smoothing=0.1,
    augmentation=("shift",),
    overrides={"dropout": 0.2},
)
THOROUGH = replace(
    _DOTS,
    optimizer="sgd",
    nesterov=True,
    schedule="step",
    milestones=(1, 2),
    decay_kind="l2",
    weight_decay=1e-3,
    learning_rate_multipliers={"head": 0.5},
    global_clipnorm=1.0,
    ema=0.8,
    gradient_accumulation_steps=2,
    selection="best",
)
"""Everything that has a state, at once."""

RECIPES: dict[str, Recipe] = {
    "dots": _DOTS,
    "thorough": THOROUGH,
    "bad": _DOTS,
    "noisy": _DOTS,
    "ring": Recipe(
        dataset="rings",
        epochs=60,
        batch_size=1,
        optimizer="adam",
        decay_kind="l2",
        weight_decay=1e-4,
        learning_rate=0.1,
    ),
}

OTHER_RECIPES = {"faithful": {"dots": replace(_DOTS, epochs=2, learning_rate=0.02)}}


def install(patch: Any) -> None:
    """Makes these families and data sets the only ones; `patch(object, name, value)` sets an attribute."""
    from zoo import datasets

    patch(registry, "FAMILIES", ("tests.training.toy",))
    patch(datasets, "load", load)
    patch(datasets, "find_dataset", find_dataset)


def find_dataset(name: str) -> DataSource:
    return DataSource(name=name, read=load, license="none", note="Made up.", shareable=True)
