"""The registered networks: sizes, arithmetic, beginnings, recipes, errors."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest

import zoo
from zoo.evaluation import count_macs
from zoo.hub import find_preset, find_recipe
from zoo.models.shared_basis import (
    OTHER_RECIPES,
    PRESETS,
    RECIPES,
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedMobileNetV2Config,
    build,
)
from zoo.training.optimizers import make_optimizer

DOUBLE = "shared_basis_resnet32_s16u1_double_cifar10"
TABLE = {
    BasicResNetConfig(blocks=(3, 3, 3)): 269_722,
    BasicResNetConfig(shared=24, unique=1): 243_850,
    BasicResNetConfig(shared=24, unique=1, bases=2): 316_426,
    BasicResNetConfig(shared=16, unique=2): 224_250,
    BasicResNetConfig(shared=8, bases=2): 147_866,
    BasicResNetConfig(shared=16, bases=2): 218_650,
    BasicResNetConfig(unique=8): 293_018,
    BasicResNetConfig(unique=16): 508_954,
}
"""Forms of CIFAR-10's ResNet without a preset: parameters that the authors' code builds."""


def unallocated(config):
    """The network with shapes and no values."""
    with keras.StatelessScope(initialize_variables=False):
        return build(config)


def scalars(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


@pytest.mark.once
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_parameters(preset):
    assert scalars(unallocated(preset.config)) == preset.parameters


@pytest.mark.once
@pytest.mark.parametrize("config", TABLE, ids=str)
def test_parameters_of_other_forms(config):
    assert scalars(unallocated(config)) == TABLE[config]


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        (DOUBLE, 79.09),
        ("resnet32_cifar10", 68.86),
        ("shared_basis_resnet34_s32u1_cifar100", 772.5),
        ("shared_basis_resnext50_s16u1_cifar100", 1179.0),
        ("shared_basis_densenet121_s64u4_cifar100", 704.2),
        ("shared_basis_mobilenetv2_pp_cifar100", 67.36),
        ("shared_basis_resnet50_imagenet", 4089.2),
        ("shared_basis_mobilenetv2_imagenet", 313.6),
    ],
)
def test_arithmetic(name, millions):
    macs = count_macs(unallocated(find_preset(name).config)) / 1e6
    assert abs(macs - millions) < 1e-3 * millions


def test_the_penalty_begins_at_zero_and_in_reference_mode_far_from_it():
    """The authors' unique filters begin with a norm of about 6: 191 is what their code starts with at S8U1."""
    config = BasicResNetConfig(shared=8, unique=1)
    assert sum(float(loss) for loss in build(config).losses) < 1e-10
    model = build(dataclasses.replace(config, reference_init=True))
    model(np.zeros((1, 32, 32, 3), "float32"))
    assert 150 < sum(float(loss) for loss in model.losses) < 230


@pytest.mark.once
def test_gradients_reach_every_weight():
    model = build(BasicResNetConfig(shared=4, unique=1, bases=2, widths=(8, 16), blocks=(2, 2), input_shape=(8, 8, 3)))
    before = [np.array(weight) for weight in map(keras.ops.convert_to_numpy, model.trainable_weights)]
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).uniform(0, 255, (8, 8, 8, 3))
    model.fit(x, np.arange(8) % 10, batch_size=8, epochs=2, verbose=0)
    after = map(keras.ops.convert_to_numpy, model.trainable_weights)
    paths = [weight.path for weight in model.trainable_weights]
    still = [path for path, old, new in zip(paths, before, after, strict=True) if np.array_equal(old, new)]
    assert not still


def test_one_copy_in_the_published_form(tmp_path):
    from safetensors.numpy import load_file

    model = zoo.load(DOUBLE, weights=None)
    zoo.save(model, tmp_path / "saved")
    stored = load_file(tmp_path / "saved" / "model.safetensors")
    assert sum("basis" in name for name in stored) == 3
    assert stored["stage3_basis/kernel"].shape == (3, 3, 64, 128)
    again = zoo.load(tmp_path / "saved")
    x = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), "uint8")
    assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_both_recipes():
    own, faithful = find_recipe(DOUBLE), find_recipe(DOUBLE, "faithful")
    assert (own.epochs, own.batch_size, own.schedule, own.decay_kind) == (30, 128, "one_cycle", "l2")
    assert (faithful.epochs, faithful.milestones, faithful.decay_exclude) == (300, (150, 225), ())
    assert faithful.overrides == {"reference_init": True}
    plain = find_recipe("resnet32_cifar10")
    assert dataclasses.replace(own, decay_exclude=plain.decay_exclude) == plain
    assert set(RECIPES) == set(OTHER_RECIPES["faithful"]) == {p.name for p in PRESETS if p.dataset == "cifar10"}


def test_bases_are_not_decayed_by_our_recipe():
    for recipe, held in ((find_recipe(DOUBLE), True), (find_recipe(DOUBLE, "faithful"), False)):
        model = unallocated(dataclasses.replace(find_preset(DOUBLE).config, blocks=(2, 2, 2)))
        paths = [weight.path for weight in model.trainable_weights]
        optimizer = make_optimizer(recipe, 0.1)
        decayed = [path for path in paths if not any(word in path for word in optimizer.decay_exclude)]
        assert ("stage1_basis/kernel" in decayed) == ("stage1_block2_conv1/unique_kernel" in decayed) == (not held)
        assert "stage1_block2_conv1/coefficients" in decayed


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (BottleneckResNetConfig(shared=16, unique=1, group_filters=4), "group_filters=4; got shared=16 and 1 unique"),
        (BottleneckResNetConfig(shared=24, group_filters=8, widths=(64, 128, 256, 500)), "3 groups for 64 channels"),
        (BottleneckResNetConfig(unique=8), "beside `shared` ones only; got shared=0, unique=8, share_last=False"),
        (BottleneckResNetConfig(share_last=True), "got shared=0, unique=0, share_last=True"),
        (BasicResNetConfig(stem="5x5"), "'3x3' or '7x7'; got '5x5'"),
        (BasicResNetConfig(shared=8, widths=(16, 31, 64)), "even number of channels"),
        (BasicResNetConfig(blocks=5), r"`blocks` to be .* as in \(2, 2, 2\); got 5"),
        (BasicResNetConfig(blocks=(5, 5)), r"same number of stages; got \(16, 32, 64\) and \(5, 5\)"),
        (BasicResNetConfig(shared=1.5), "`shared` to be an integer of at least 0; got 1.5"),
        (BasicResNetConfig(shared=8, bases=3), "`bases` to be 1, .* or 2.*got 3"),
        (SharedMobileNetV2Config(share=("depthwise",)), "'expand', 'project'.*depthwise"),
        (SharedMobileNetV2Config(attention="se"), "'eca'; got .* and 'se'"),
    ],
)
def test_errors_name_the_numbers(config, words):
    with pytest.raises(ValueError, match=words):
        unallocated(config)


def test_another_configuration_is_refused():
    with pytest.raises(TypeError, match="BasicResNetConfig.*got int"):
        build(7)


def test_a_network_with_a_head_has_classes():
    with pytest.raises(ValueError, match="`num_classes` to be a positive integer; got None"):
        zoo.build("resnet32_cifar10", num_classes=None)
