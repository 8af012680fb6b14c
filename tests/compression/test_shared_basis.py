"""Networks with shared filters fold to stock layers, with the filters shared or not."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import zoo
from tests.compression.test_folding import difference, kinds
from tests.layers.equivariant import randomize
from zoo.evaluation import count_macs
from zoo.layers import SharedBasisConv2D, SharedFilterBasis
from zoo.models.shared_basis import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
    build,
)

OWN = {"SharedBasisConv2D", "SharedFilterBasis", "BatchNormalization"}
SMALL = {"input_shape": (16, 16, 3), "num_classes": 4}
BASIC = {**SMALL, "widths": (8, 16), "blocks": (3, 2)}
BOTTLENECK: dict[str, Any] = {**SMALL, "stem": "3x3", "widths": (16, 32), "blocks": (2, 3), "expansion": 2}


def images(model: keras.Model) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, *model.input_shape[1:]), "uint8")


def trained(config: Any, seed: int = 0) -> keras.Model:
    model = build(config)
    randomize(model, seed)
    return model


def scalars(model: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in model.weights)


@pytest.mark.parametrize("mode", ["auto", "bn", "kernel"])
@pytest.mark.parametrize(
    "sizes", [(4, 1, 1), (4, 1, 2), (3, 0, 2), (0, 3, 1)], ids=["single", "double", "sharedonly", "nonshared"]
)
def test_basic_blocks(mode: str, sizes: tuple[int, int, int]) -> None:
    shared, unique, bases = sizes
    model = trained(BasicResNetConfig(shared=shared, unique=unique, bases=bases, **BASIC))
    folded = zoo.fold(model, mode=mode)
    assert difference(model, folded, images(model)) < 2e-5
    assert not OWN & set(kinds(folded))


def test_normalizations_go_and_filters_stay_shared() -> None:
    model = trained(BasicResNetConfig(shared=4, unique=1, bases=2, **BASIC))
    folded = zoo.fold(model, mode="bn")
    second = folded.get_layer("stage1_basis_2")
    assert isinstance(second, keras.layers.Conv2D) and len(second._inbound_nodes) == 2  # blocks 2 and 3
    assert np.allclose(
        keras.ops.convert_to_numpy(second.kernel),
        keras.ops.convert_to_numpy(model.get_layer("stage1_basis").sets()[1]),
        atol=0,
    )
    assert folded.count_params() < scalars(model)
    assert count_macs(folded) == count_macs(model)


def test_one_plain_convolution_a_layer() -> None:
    plain = build(BasicResNetConfig(**BASIC))
    folded = zoo.fold(trained(BasicResNetConfig(shared=4, unique=1, **BASIC)), mode="kernel")
    assert count_macs(folded) == count_macs(plain)
    assert [layer.name for layer in folded.layers] == [layer.name for layer in zoo.fold(plain).layers]


@pytest.mark.parametrize(("shared", "mode"), [(7, "kernel"), (6, "bn")])
def test_auto_takes_the_form_with_less_arithmetic(shared: int, mode: str) -> None:
    """10 C (S + U) against 9 C^2: for C = 8 the limit lies between 7.2 filters."""
    model = trained(BasicResNetConfig(shared=shared, unique=1, bases=1, **{**BASIC, "widths": (8,), "blocks": (2,)}))
    counts = {mode: count_macs(zoo.fold(model, mode=mode)) for mode in ("auto", "bn", "kernel")}
    assert counts["auto"] == min(counts.values()) == counts[mode]


@pytest.mark.parametrize("mode", ["auto", "kernel"])
@pytest.mark.parametrize(
    "config",
    [
        BottleneckResNetConfig(shared=16, share_last=True, **BOTTLENECK),
        BottleneckResNetConfig(shared=8, unique=4, group_filters=4, groups=4, **BOTTLENECK),
        SharedMobileNetV2Config(small=True, share=("expand", "project"), attention="eca", **SMALL),
    ],
    ids=["bottleneck", "resnext", "mobilenet"],
)
def test_layers_without_coefficients(config: Any, mode: str) -> None:
    """With an activation behind the basis the filters stay shared, unless every layer is to have its own."""
    model = trained(config)
    folded = zoo.fold(model, mode=mode)
    assert difference(model, folded, images(model)) < 5e-5
    left = OWN & set(kinds(folded))
    assert left == ({"BatchNormalization"} if mode == "auto" else set())


def test_densenet_folds() -> None:
    config = SharedDenseNetConfig(shared=4, unique=2, growth=4, blocks=(2, 2), **SMALL)
    model = trained(config)
    for mode in ("bn", "kernel"):
        folded = zoo.fold(model, mode=mode)
        assert difference(model, folded, images(model)) < 2e-5
        assert not {"SharedBasisConv2D", "SharedFilterBasis"} & set(kinds(folded))


def test_groups_are_written_out() -> None:
    inputs = keras.Input((6, 6, 8))
    basis = SharedFilterBasis(6, groups=2, name="basis")(inputs)
    layer = SharedBasisConv2D(5, unique=4, groups=4, basis_groups=2, name="conv")
    model = keras.Model(inputs, layer(inputs, basis))
    randomize(model, 1)
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 8))
    assert difference(model, zoo.fold(model, mode="kernel"), x) < 1e-5
    assert difference(model, zoo.fold(model, mode="bn"), x) < 1e-5


def test_a_basis_that_only_the_penalty_sees() -> None:
    inputs = keras.Input((6, 6, 4))
    basis = SharedFilterBasis(3, name="basis")(inputs)
    layer = SharedBasisConv2D(5, unique=2, orthogonality=zoo.losses.Orthogonality(), name="conv")
    model = keras.Model(inputs, layer(inputs, other_basis=basis))
    randomize(model, 1)
    x = np.random.default_rng(1).normal(size=(2, 6, 6, 4))
    for mode in ("bn", "kernel"):
        assert difference(model, zoo.fold(model, mode=mode), x) < 1e-5


def test_a_basis_from_elsewhere_is_left_alone() -> None:
    inputs, kernel = keras.Input((6, 6, 4)), keras.Input(batch_shape=(3, 3, 4, 5))
    model = keras.Model([inputs, kernel], SharedBasisConv2D(4, name="conv")(inputs, kernel))
    assert "SharedBasisConv2D" in kinds(zoo.fold(model))


@pytest.mark.parametrize("mode", ["bn", "kernel"])
def test_trained_weights_fold(mode: str) -> None:
    model = zoo.load("shared_basis_resnet32_s16u1_double_cifar10", compile=False)
    assert difference(zoo.fold(model, mode=mode), model, images(model)) < 1e-4


def test_another_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="'auto', 'bn', 'kernel'.*got 'full'"):
        zoo.fold(build(BasicResNetConfig(**BASIC)), mode="full")
