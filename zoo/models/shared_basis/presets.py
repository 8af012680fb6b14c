"""The registered networks with shared filter bases, and the plain ones that they are to be compared with."""

from __future__ import annotations

from typing import Any

from zoo._labels import CIFAR10, CIFAR100, IMAGENET
from zoo.models import pixels
from zoo.models.preset import TINY, Paper, Preset
from zoo.models.shared_basis.config import (
    BasicResNetConfig,
    BottleneckResNetConfig,
    SharedBasisConfig,
    SharedDenseNetConfig,
    SharedMobileNetV2Config,
)

SHARED_BASIS = Paper(
    key="shared_basis",
    title="Learning Shared Filter Bases for Efficient ConvNets (Deeply Shared Filter Bases)",
    authors="W. Kang, D. Kim",
    venue="NeurIPS",
    year=2021,
    url="https://arxiv.org/abs/2006.05066",
)

_LABELS = {"cifar10": CIFAR10, "cifar100": CIFAR100, "imagenet": IMAGENET}
_CIFAR100: dict[str, Any] = {"input_shape": (32, 32, 3), "num_classes": 100, **pixels.CIFAR100._asdict()}
_UNREAD = "Built from the authors' code and README; the paper's full text was not read."
_PLAIN = "A baseline: the same network with nothing shared."
_UNIQUE = "Unique filters begin orthonormal too; in the authors' code their norm is about 6 (reference_init=True)."
_BASES = "Bases begin orthonormal; in the authors' code they do not (reference_init=True)."
_LAST_BASIS = "The last dense block has a basis of its own; the authors' code gives it the third's by mistake."
_GATES = "Without the channel gates that the authors' newest code has (attention='eca') and the older had not."
_PAPER_NAME = "Named as in the paper; the numbers of filters are those of the authors' code for it."
_REPORTED = {
    "cifar10": "The authors' README: 300 epochs, one run, the best epoch on the test set.",
    "cifar100": "The authors' README: 300 epochs, one run, the best epoch on the test set.",
    "imagenet": "The authors' README: top-1 error of the central crop, one run, the best epoch on the validation set.",
}


def _preset(config: SharedBasisConfig, summary: str, parameters: int, error: float | None, *deviations: str) -> Preset:
    dataset = config.name.rpartition("_")[2]
    shared = config.name.startswith("shared_basis_")
    return Preset(
        name=config.name,
        config=config,
        summary=summary,
        paper=SHARED_BASIS,
        dataset=dataset,
        labels=_LABELS[dataset],
        parameters=parameters,
        deviations=(*deviations, _UNREAD) if shared else (_PLAIN,),
        reported_error=error,
        reported_note=None if error is None else _REPORTED[dataset],
    )


def _cifar10(
    name: str, summary: str, parameters: int, blocks: int, error: float | None = None, **fields: Any
) -> Preset:
    config = BasicResNetConfig(name=f"{name}_cifar10", blocks=(blocks,) * 3, **fields)
    return _preset(config, summary, parameters, error, _UNIQUE)


def _resnet34(name: str, summary: str, parameters: int, error: float | None = None, **fields: Any) -> Preset:
    size: dict[str, Any] = {"input_shape": (224, 224, 3), "num_classes": 1000, "stem": "7x7"}
    if name.endswith("_cifar100"):
        size = {**_CIFAR100, "stem": "3x3"}
    config = BasicResNetConfig(
        name=name,
        shortcut="project",
        widths=(64, 128, 256, 512),
        blocks=(3, 4, 6, 3),
        regularize_unique=False,
        **size,
        **fields,
    )
    return _preset(config, summary, parameters, error, _UNIQUE)


def _resnext(name: str, summary: str, parameters: int, error: float | None = None, **fields: Any) -> Preset:
    config = BottleneckResNetConfig(
        name=f"{name}_cifar100",
        stem="3x3",
        widths=(128, 256, 512, 1024),
        expansion=2,
        groups=32,
        **_CIFAR100,
        **fields,
    )
    return _preset(config, summary, parameters, error, _PAPER_NAME, _UNIQUE)


def _bottleneck(name: str, summary: str, parameters: int, error: float | None = None, **fields: Any) -> Preset:
    return _preset(BottleneckResNetConfig(name=f"{name}_imagenet", **fields), summary, parameters, error)


def _densenet(name: str, summary: str, parameters: int, error: float | None = None, **fields: Any) -> Preset:
    config = SharedDenseNetConfig(name=f"{name}_cifar100", **fields)
    return _preset(config, summary, parameters, error, _PAPER_NAME, _LAST_BASIS, _BASES)


def _mobilenet(name: str, summary: str, parameters: int, error: float | None = None, **fields: Any) -> Preset:
    config = SharedMobileNetV2Config(name=name, **fields)
    gates = (_GATES,) if len(config.share) == 2 and not config.small else ()
    return _preset(config, summary, parameters, error, _BASES, *gates)


_SMALL: dict[str, Any] = {**_CIFAR100, "small": True, "dropout": 0.0}
_S8, _S16 = {"shared": 8, "unique": 1}, {"shared": 16, "unique": 1}
_S32, _S48 = {"shared": 32, "unique": 1}, {"shared": 48, "unique": 1}
_BOTH = ("expand", "project")
_R101 = (3, 4, 23, 3)

PRESETS = (
    _cifar10("resnet32", "plain ResNet-32", 464_154, 5),
    _cifar10("shared_basis_resnet32_s8u1", "ResNet-32, basis of 8", 150_666, 5, 8.08, **_S8),
    _cifar10("shared_basis_resnet32_s8u1_double", "ResNet-32, two bases of 8", 174_858, 5, bases=2, **_S8),
    _cifar10("shared_basis_resnet32_s16u1", "ResNet-32, basis of 16", 197_258, 5, 7.43, **_S16),
    _cifar10("shared_basis_resnet32_s16u1_double", "ResNet-32, two bases of 16", 245_642, 5, 6.93, bases=2, **_S16),
    _preset(
        BasicResNetConfig(name="shared_basis_tiny_cifar10", widths=(10, 20, 40), blocks=(2, 2, 2), shared=5, unique=1),
        "ResNet-14 of 10 channels, basis of 5",
        45_978,
        None,
        _UNIQUE,
        TINY,
    ),
    _cifar10("resnet56", "plain ResNet-56", 853_018, 9),
    _cifar10("shared_basis_resnet56_s8u1", "ResNet-56, basis of 8", 201_850, 9, 7.52, **_S8),
    _cifar10("shared_basis_resnet56_s8u1_double", "ResNet-56, two bases of 8", 226_042, 9, bases=2, **_S8),
    _cifar10("shared_basis_resnet56_s16u1", "ResNet-56, basis of 16", 270_842, 9, 7.46, **_S16),
    _cifar10("shared_basis_resnet56_s16u1_double", "ResNet-56, two bases of 16", 319_226, 9, 6.30, bases=2, **_S16),
    _resnet34("resnet34_cifar100", "plain ResNet-34", 21_328_292),
    _resnet34("shared_basis_resnet34_s8u1_cifar100", "ResNet-34, basis of 8", 5_865_428, 23.11, **_S8),
    _resnet34("shared_basis_resnet34_s16u1_cifar100", "ResNet-34, basis of 16", 6_485_844, 22.64, **_S16),
    _resnet34("shared_basis_resnet34_s32u1_cifar100", "ResNet-34, basis of 32", 7_726_676, 21.79, **_S32),
    _resnext("resnext50", "plain ResNeXt-50 32x4d", 23_177_124),
    _resnext(
        "shared_basis_resnext50_s16u1",
        "ResNeXt-50 32x4d, grouped bases",
        19_333_380,
        20.09,
        shared=64,
        unique=4,
        group_filters=4,
    ),
    _densenet("densenet121", "plain DenseNet-121", 7_048_548),
    _densenet("shared_basis_densenet121_s64u4", "DenseNet-121, bases of 16", 5_084_504, 22.15, **_S16),
    _mobilenet("mobilenetv2_cifar100", "plain MobileNetV2", 2_428_004, **_SMALL),
    _mobilenet(
        "shared_basis_mobilenetv2_cifar100", "MobileNetV2, shared expansions", 2_163_812, share=("expand",), **_SMALL
    ),
    _mobilenet(
        "shared_basis_mobilenetv2_pp_cifar100",
        "MobileNetV2, shared expansions and projections",
        1_899_620,
        27.54,
        share=_BOTH,
        **_SMALL,
    ),
    _resnet34("resnet34_imagenet", "plain ResNet-34", 21_797_672),
    _resnet34("shared_basis_resnet34_s32u1_imagenet", "ResNet-34, basis of 32", 8_196_056, 27.83, **_S32),
    _resnet34(
        "shared_basis_resnet34_s32u1_double_imagenet", "ResNet-34, two bases of 32", 9_762_776, 27.20, bases=2, **_S32
    ),
    _resnet34(
        "shared_basis_resnet34_s48u1_double_imagenet", "ResNet-34, two bases of 48", 11_786_968, 26.67, bases=2, **_S48
    ),
    _bottleneck("resnet50", "plain ResNet-50", 25_557_032),
    _bottleneck("shared_basis_resnet50", "ResNet-50, shared 3x3 layers", 20_506_664, 23.64, shared=64),
    _bottleneck(
        "shared_basis_resnet50_pp",
        "ResNet-50, shared 3x3 and last 1x1 layers",
        18_262_056,
        23.95,
        shared=64,
        share_last=True,
    ),
    _bottleneck("resnet101", "plain ResNet-101", 44_549_160, blocks=_R101),
    _bottleneck("shared_basis_resnet101", "ResNet-101, shared 3x3 layers", 29_471_784, 22.31, shared=64, blocks=_R101),
    _bottleneck(
        "shared_basis_resnet101_pp",
        "ResNet-101, shared 3x3 and last 1x1 layers",
        22_770_728,
        shared=64,
        share_last=True,
        blocks=_R101,
    ),
    _mobilenet("mobilenetv2_imagenet", "plain MobileNetV2", 3_507_272),
    _mobilenet(
        "shared_basis_mobilenetv2_imagenet", "MobileNetV2, shared expansions", 3_243_080, 27.61, share=("expand",)
    ),
    _mobilenet(
        "shared_basis_mobilenetv2_pp_imagenet",
        "MobileNetV2, shared expansions and projections",
        2_978_888,
        28.21,
        share=_BOTH,
    ),
)
