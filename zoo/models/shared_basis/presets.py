"""The registered networks with shared filter bases, and the plain ones that they are to be compared with."""

from __future__ import annotations

from typing import Any

from zoo.models.preset import Paper, Preset
from zoo.models.shared_basis.config import BasicResNetConfig

SHARED_BASIS = Paper(
    key="shared_basis",
    title="Learning Shared Filter Bases for Efficient ConvNets (Deeply Shared Filter Bases)",
    authors="W. Kang, D. Kim",
    venue="NeurIPS",
    year=2021,
    url="https://arxiv.org/abs/2006.05066",
)

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

_UNREAD = "Built from the authors' code and README; the paper's full text was not read."
_PLAIN = "A baseline: the same network with plain convolutions."
_ORTHONORMAL = "Unique filters begin orthonormal too; in the authors' code their norm is about 6 (reference_init=True)."
_REPORTED = "The authors' README: 300 epochs, one run, the best epoch on the test set."


def _cifar10(
    name: str, summary: str, parameters: int, blocks: int, error: float | None = None, **config: Any
) -> Preset:
    plain = not (config.get("shared") or config.get("unique"))
    return Preset(
        name=name,
        config=BasicResNetConfig(name=name, blocks=(blocks,) * 3, **config),
        summary=summary,
        paper=SHARED_BASIS,
        dataset="cifar10",
        labels=CIFAR10,
        parameters=parameters,
        deviations=(_PLAIN,) if plain else (_ORTHONORMAL, _UNREAD),
        reported_error=error,
        reported_note=None if error is None else _REPORTED,
    )


PRESETS = (
    _cifar10("resnet32_cifar10", "plain ResNet-32", 464_154, 5),
    _cifar10("shared_basis_resnet32_s8u1_cifar10", "ResNet-32, basis of 8", 150_666, 5, 8.08, shared=8, unique=1),
    _cifar10(
        "shared_basis_resnet32_s8u1_double_cifar10",
        "ResNet-32, two bases of 8",
        174_858,
        5,
        shared=8,
        unique=1,
        bases=2,
    ),
    _cifar10("shared_basis_resnet32_s16u1_cifar10", "ResNet-32, basis of 16", 197_258, 5, 7.43, shared=16, unique=1),
    _cifar10(
        "shared_basis_resnet32_s16u1_double_cifar10",
        "ResNet-32, two bases of 16",
        245_642,
        5,
        6.93,
        shared=16,
        unique=1,
        bases=2,
    ),
    _cifar10("resnet56_cifar10", "plain ResNet-56", 853_018, 9),
    _cifar10("shared_basis_resnet56_s8u1_cifar10", "ResNet-56, basis of 8", 201_850, 9, 7.52, shared=8, unique=1),
    _cifar10(
        "shared_basis_resnet56_s8u1_double_cifar10",
        "ResNet-56, two bases of 8",
        226_042,
        9,
        shared=8,
        unique=1,
        bases=2,
    ),
    _cifar10("shared_basis_resnet56_s16u1_cifar10", "ResNet-56, basis of 16", 270_842, 9, 7.46, shared=16, unique=1),
    _cifar10(
        "shared_basis_resnet56_s16u1_double_cifar10",
        "ResNet-56, two bases of 16",
        319_226,
        9,
        6.30,
        shared=16,
        unique=1,
        bases=2,
    ),
)
