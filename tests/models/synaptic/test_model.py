"""The networks with strengths: sizes, forms, recipes."""

import dataclasses
import math

import keras
import numpy as np
import pytest

import zoo
from tests.layers.equivariant import normal
from tests.sweeping import swept
from zoo.models.synaptic import PRESETS, RECIPES, BottleneckConfig, DenseNetConfig, ResNetConfig, VGGConfig, build
from zoo.testing import assert_close

NAMES = [preset.name for preset in PRESETS]
TINY = {
    "vgg": VGGConfig(name="vgg", input_shape=(8, 8, 3), widths=((4, 4), (6,))),
    "resnet": ResNetConfig(name="resnet", input_shape=(8, 8, 3), widths=(4, 8), blocks=(1, 1)),
    "projected": ResNetConfig(name="projected", input_shape=(8, 8, 3), widths=(4, 8), blocks=(1, 1), projection=True),
    "densenet": DenseNetConfig(name="densenet", input_shape=(8, 8, 3), growth=3, layers=(2, 2), stem=6),
    "bottleneck": BottleneckConfig(name="b", input_shape=(16, 16, 3), num_classes=5, widths=(4, 8), blocks=(1, 1)),
}
# Connections and weights of the convolutions, in thousands, and multiply-accumulates in millions.
PUBLISHED = {
    "synaptic_vgg16_cifar10": (1634, 14_710, 313.2),
    "synaptic_vgg19_cifar10": (2224, 20_019, 398.1),
    "synaptic_resnet18_cifar10": (1393, 11_159, 555.4),
    "synaptic_densenet40_cifar10": (227, 1_036, 282.9),
    "synaptic_resnet50_imagenet": (13_386, 23_455, 4087.0),
}


def sizes(model):
    """Connections, weights and multiply-accumulates of the convolutions."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    shapes = [tuple(layer.kernel.shape) for layer in layers]
    places = [math.prod(layer.output.shape[1:3]) for layer in layers]
    return (
        sum(math.prod(shape[2:]) for shape in shapes),
        sum(map(math.prod, shapes)),
        sum(count * math.prod(shape) for count, shape in zip(places, shapes, strict=True)),
    )


@pytest.mark.once
@pytest.mark.parametrize("name", swept(NAMES))
def test_parameters(name):
    model = zoo.build(name)
    preset = next(preset for preset in PRESETS if preset.name == name)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == preset.parameters


@pytest.mark.once
@pytest.mark.parametrize("name", swept(PUBLISHED))
def test_sizes_are_those_of_the_architectures(name):
    connections, weights, macs = sizes(zoo.build(name))
    thousands, more_thousands, millions = PUBLISHED[name]
    assert (round(connections / 1e3), round(weights / 1e3)) == (thousands, more_thousands)
    assert abs(macs / 1e6 - millions) < 0.1 + 1e-4 * millions


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("form", ["parameter", "product"])
def test_a_fresh_network_is_the_plain_one(name, form):
    config = TINY[name]
    plain, strong = (build(dataclasses.replace(config, form=kind)) for kind in ("plain", form))
    kernels = {layer.name: layer for layer in plain.layers if isinstance(layer, keras.layers.Conv2D)}
    for layer in strong.layers:
        if layer.name in kernels:
            kernels[layer.name].kernel.assign(layer.kernel)
        elif layer.name == "head":
            plain.get_layer("head").set_weights(layer.get_weights())
    assert sizes(plain) == sizes(strong)
    x = 50 * normal(2, *config.input_shape) + 120
    for training in (False, True):
        assert_close(strong(x, training=training), plain(x, training=training), 1e-5)


@pytest.mark.parametrize("name", ["projected", "densenet"])
def test_training_moves_all_weights(name):
    model = build(dataclasses.replace(TINY[name], strength_l1=1e-3, group_l1=1e-3))
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=keras.backend.backend() != "torch")
    x = 50 * normal(4, *model.input_shape[1:]) + 120
    model.fit(x, normal(4, model.output_shape[-1]), batch_size=2, epochs=1, verbose=0)
    still = [
        weight.path
        for weight, old in zip(model.trainable_weights, before, strict=True)
        if np.array_equal(keras.ops.convert_to_numpy(weight), old)
        and not (weight.path.endswith("direction") and weight.shape[0] == 1)  # a single number has no direction
    ]
    assert not still


def test_the_narrow_baseline_is_vgg16_at_three_eighths():
    dense, vgg16 = (
        next(preset.config for preset in PRESETS if preset.name == name)
        for name in ("synaptic_dense_vgg16_narrow_cifar10", "synaptic_vgg16_cifar10")
    )
    full = [[width * 3 // 8 for width in stage] for stage in vgg16.widths]
    assert [list(stage) for stage in dense.widths] == full


def test_recipes_fine_tune_without_penalty_and_never_decay_strengths():
    for name, recipe in RECIPES.items():
        assert "strength" in recipe.decay_exclude
        pruned = "_p9" in name or "compact" in name
        assert recipe.needs_start == pruned
        plain = "dense_vgg" in name or "slimming" in name
        assert bool(recipe.overrides) == (not pruned and not plain)
        assert bool(recipe.proximal) == ("slimming" in name)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (dataclasses.replace(TINY["vgg"], form="sparse"), "one of .*'plain'.*got 'sparse'"),
        (dataclasses.replace(TINY["vgg"], form="plain", strength_l1=1.0), "no strengths to penalise"),
        (dataclasses.replace(TINY["resnet"], widths=(8, 4)), "even number of channels"),
        (dataclasses.replace(TINY["resnet"], widths=(8, 16, 32)), "same number of stages"),
        (dataclasses.replace(TINY["vgg"], widths=(8, 16)), r"`widths` as a tuple for each stage.*got \(8, 16\)"),
    ],
)
def test_errors(config, words):
    with pytest.raises(ValueError, match=words):
        build(config)
    with pytest.raises(TypeError, match="VGGConfig.*got int"):
        build(3)
