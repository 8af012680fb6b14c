"""The scene networks: sizes by hand, image sizes, class maps, names of the classes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import zoo
from tests.sweeping import swept
from zoo import datasets, hub
from zoo._labels import PLACES365
from zoo.models import class_maps
from zoo.models.efficientnet import FEATURES, STAGES, STEM
from zoo.models.scene import (
    PRESETS,
    RECIPES,
    SceneChainConfig,
    SceneDenseNetConfig,
    SceneLiteConfig,
    SceneResNetConfig,
    build,
)

BY_NAME = {preset.name: preset for preset in PRESETS}


def parameters(config) -> int:
    """By hand: kernels, and two numbers a channel for every normalization; the head has a bias."""
    counts = {
        SceneResNetConfig: of_resnet,
        SceneChainConfig: of_chain,
        SceneDenseNetConfig: of_densenet,
        SceneLiteConfig: of_lite,
    }
    body, features = counts[type(config)](config)
    return body + (features + 1) * config.num_classes


def conv(size: int, inputs: int, outputs: int) -> int:
    return size**2 * inputs * outputs + 2 * outputs


def of_resnet(config: SceneResNetConfig) -> tuple[int, int]:
    last = config.widths[0]
    total = conv(7, config.input_shape[-1], last)
    for width, blocks, strides in zip(config.widths, config.blocks, config.strides, strict=True):
        out = 4 * width if config.bottleneck else width
        for block in range(blocks):
            if config.bottleneck:
                total += conv(1, last, width) + conv(3, width, width) + conv(1, width, out)
            else:
                total += conv(3, last, width) + conv(3, width, width)
            if last != out or (block == 0 and strides > 1):
                total += conv(1, last, out)
            last = out
    return total, last


def of_chain(config: SceneChainConfig) -> tuple[int, int]:
    total, last = 0, config.input_shape[-1]
    if config.stem is not None:
        total, last = conv(config.stem[1], last, config.stem[0]), config.stem[0]
    for widths, size in zip(config.layers, config.kernel_sizes, strict=True):
        for width in widths:
            total, last = total + conv(size, last, width), width
    return total + conv(3, last, config.features), config.features


def of_densenet(config: SceneDenseNetConfig) -> tuple[int, int]:
    total, last = conv(7, config.input_shape[-1], config.stem), config.stem
    for block, layers in enumerate(config.blocks):
        if block:
            total, last = total + 2 * last + last * (last // 2), last // 2
        for _ in range(layers):
            total += 2 * last + conv(1, last, 4 * config.growth) + 9 * 4 * config.growth * config.growth
            last += config.growth
    return total + 2 * last, last


def of_lite(config: SceneLiteConfig) -> tuple[int, int]:
    total, last = conv(3, 3, STEM), STEM
    for width, blocks, size, _, expansion in STAGES:
        for _ in range(blocks):
            inner = expansion * last
            total += (conv(1, last, inner) if expansion > 1 else 0) + conv(size, 1, inner) + conv(1, inner, width)
            last = width
    return total + conv(1, last, FEATURES), FEATURES


@pytest.mark.once
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_parameters_by_hand(preset):
    assert preset.parameters == parameters(preset.config)


@pytest.mark.once
@pytest.mark.parametrize("name", swept(BY_NAME))
def test_parameters_of_the_network(name):
    model = zoo.build(name)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == BY_NAME[name].parameters


def test_published_sizes():
    """Networks for 1000 classes have the sizes that everybody knows."""
    known = {"scene_resnet18_places365": 11_689_512, "scene_resnet50_places365": 25_557_032}
    known["scene_densenet161_places365"] = 28_681_000
    for name, size in known.items():
        assert parameters(hub.registry.replace_config(BY_NAME[name].config, num_classes=1000)) == size


def small(kind: str):
    """A tiny network of every kind, for images of any size."""
    common = {"name": "tiny", "num_classes": 3, "input_shape": (None, None, 3)}
    return {
        "resnet": SceneResNetConfig(widths=(4, 4, 6, 8), blocks=(1, 1, 1, 1), **common),
        "bottleneck": SceneResNetConfig(widths=(2, 2, 2, 2), blocks=(1, 2, 1, 1), bottleneck=True, **common),
        "vgg": SceneChainConfig(layers=((4,), (4, 4)), kernel_sizes=(3, 3), features=6, **common),
        "alexnet": SceneChainConfig(
            stem=(4, 11, 4), layers=((4,), (4,)), kernel_sizes=(5, 3), pool_size=3, features=6, **common
        ),
        "densenet": SceneDenseNetConfig(growth=2, blocks=(2, 1), stem=4, **common),
        "lite": SceneLiteConfig(size=64, **common),
    }[kind]


@pytest.mark.parametrize("kind", ["resnet", "bottleneck", "vgg", "alexnet", "densenet", "lite"])
def test_any_size_and_every_variable_learns(kind):
    config = small(kind)
    model = build(config)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == parameters(config)
    for size in ((64, 64), (81, 47)):
        logits = model(np.full((2, *size, 3), 100.0, "float32"))
        assert logits.shape == (2, 3) and np.isfinite(keras.ops.convert_to_numpy(logits)).all()
    end = class_maps.find_gap_head(model)
    assert end.head.name == "head" and end.head.kernel.shape[0] == end.features.shape[-1]


def test_other_classes_and_open_sizes():
    model = zoo.load("scene_resnet18_narrow_sun16", weights=None, num_classes=365, input_shape=(None, None, 3))
    assert model(np.zeros((1, 70, 100, 3), "float32")).shape == (1, 365)
    with pytest.raises(TypeError, match="configuration of a scene network; got str"):
        build("resnet18")


def test_names_of_the_classes():
    for preset in PRESETS:
        assert len(preset.labels) == preset.config.num_classes == len(set(preset.labels))
        if preset.dataset in datasets.CLASS_NAMES:
            assert preset.labels == datasets.CLASS_NAMES[preset.dataset]


def test_places_in_the_order_of_tensorflow_datasets():
    tfds = pytest.importorskip("tensorflow_datasets", reason="the list of names comes with tensorflow-datasets")
    path = tfds.core.tfds_path("image_classification/categories_places365.txt")
    assert tuple(path.read_text().split()) == PLACES365
    assert (PLACES365[0], PLACES365[31], PLACES365[364]) == ("airfield", "bakery/shop", "zen_garden")


def test_twins_differ_in_consistency_alone():
    """The same network by the same recipe, but for the consistency."""
    pairs = [(name.replace("_pc_", "_"), name) for name in BY_NAME if "_pc_" in name]
    assert len(pairs) == 4
    for plain, consistent in pairs:
        one, two = BY_NAME[plain].config, BY_NAME[consistent].config
        assert hub.registry.replace_config(one, name=two.name) == two
        differ = {
            name for name in vars(RECIPES[plain]) if getattr(RECIPES[plain], name) != getattr(RECIPES[consistent], name)
        }
        assert differ == {"consistency"} and not RECIPES[plain].consistency


def test_grey_pictures_and_frozen_layers():
    """Grey is colour of equal channels; of a frozen network the last layer of maps and the head learn."""
    common = {"num_classes": 3, "size": 64}
    gray = build(SceneLiteConfig(input_shape=(40, 40, 1), mean=(127.0,), std=(128.0,), frozen=True, **common))
    colour = build(SceneLiteConfig(input_shape=(40, 40, 3), **common))
    colour.set_weights(gray.get_weights())
    picture = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 1)).astype("float32")
    one, two = (keras.ops.convert_to_numpy(each) for each in (gray(picture), colour(np.repeat(picture, 3, axis=-1))))
    assert np.allclose(one, two, rtol=1e-5, atol=1e-6)
    assert [v.path for v in gray.trainable_weights] == [
        "features/kernel",
        "features_norm/gamma",
        "features_norm/beta",
        "head/kernel",
        "head/bias",
    ]
    before = gray.get_layer("stem_norm").get_weights()
    gray.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), jit_compile=False)
    gray.train_on_batch(picture, np.array([0, 2]))
    assert all(np.array_equal(a, b) for a, b in zip(before, gray.get_layer("stem_norm").get_weights(), strict=True))
