"""The registered E4-Nets and their baselines."""

from __future__ import annotations

from typing import Any

from zoo._labels import CIFAR10, DIGITS
from zoo.models.e4net.config import E4NetConfig, E4ResNet18Config
from zoo.models.preset import TINY, Paper, Preset

E4NET = Paper(
    key="e4net",
    title="Efficient Equivariant Network",
    authors="L. He, Y. Chen, Z. Shen, Y. Dong, Y. Wang, Z. Lin",
    venue="NeurIPS",
    year=2021,
    url="https://openreview.net/forum?id=4-Py8BiJwHI",
)


_SHARED_NORM = (
    "The generator's norm has one scale and offset a field, shared over the group: the authors' code has one a field "
    "and group element, which loses equivariance in training."
)
_UNREAD = "Built from the authors' code and README; the paper's full text was not read."
_DROPOUT = "Dropout drops whole fields, so that training steps are equivariant; the authors' drops single values."


_POSITION_DROPOUT = (
    "Dropout drops all orientations of a field together at a position; the authors' drops single values."
)
_REPORTED = (
    "The authors' README: original MNIST-rot files, trained on all 12,000 images for 199 epochs, the best epoch on the "
    "test set, norm not shared over the group."
)


_WHITE_ON_BLACK = {"note": "white digits on black ground", "border": (0, 11), "mean": (6, 102)}


def _digits(
    name: str, summary: str, parameters: int, deviations: tuple[str, ...], reported: float | None, **config: Any
) -> Preset:
    return Preset(
        name=name,
        config=E4NetConfig(name=name, **config),
        summary=summary,
        paper=E4NET,
        dataset="mnist_rot",
        labels=DIGITS,
        expects=_WHITE_ON_BLACK,
        parameters=parameters,
        deviations=deviations,
        reported_error=reported,
        reported_note=None if reported is None else _REPORTED,
    )


def _cifar(name: str, summary: str, parameters: int, deviations: tuple[str, ...], **config: Any) -> Preset:
    return Preset(
        name=name,
        config=E4ResNet18Config(name=name, **config),
        summary=summary,
        paper=E4NET,
        dataset="cifar10",
        labels=CIFAR10,
        parameters=parameters,
        deviations=deviations,
    )


_P4M = (22, 44, 88, 176)

PRESETS = (
    _digits("e4net_mnistrot", "E4-Net, 16 fields on p4", 18_118, (_SHARED_NORM, _DROPOUT, _UNREAD), 1.29),
    _digits(
        "e4net_tiny_mnistrot",
        "E4-Net, 8 fields on p4",
        6_142,
        (_SHARED_NORM, _DROPOUT, _UNREAD, TINY),
        None,
        width=8,
    ),
    _digits(
        "e4net_large_mnistrot",
        "E4-Net large, 24 fields on p4",
        45_082,
        (_SHARED_NORM, _DROPOUT, _UNREAD),
        1.19,
        width=24,
        slices=12,
        reduction=2,
    ),
    _digits(
        "gcnn_mnistrot",
        "p4 G-CNN of the same wiring, 16 fields",
        55_834,
        (_DROPOUT, "A baseline of ours: 3x3 group convolutions in the place of the E4 layers."),
        None,
        layer="gconv",
        kernel_size=3,
    ),
    _cifar("e4resnet18_p4_cifar10", "E4 ResNet-18 on p4", 6_340_298, (_SHARED_NORM, _POSITION_DROPOUT, _UNREAD)),
    _cifar(
        "e4resnet18_p4m_cifar10",
        "E4 ResNet-18 on p4m",
        5_804_952,
        (_SHARED_NORM, _POSITION_DROPOUT, _UNREAD),
        group="p4m",
        widths=_P4M,
    ),
    _cifar("gresnet18_p4_cifar10", "G-CNN ResNet-18 on p4", 11_165_738, (_POSITION_DROPOUT, _UNREAD), layer="gconv"),
    _cifar(
        "gresnet18_p4m_cifar10",
        "G-CNN ResNet-18 on p4m",
        10_552_992,
        (_POSITION_DROPOUT, _UNREAD),
        layer="gconv",
        group="p4m",
        widths=_P4M,
    ),
    _cifar("resnet18_cifar10", "plain ResNet-18", 11_173_962, (_UNREAD,), group=None, widths=(64, 128, 256, 512)),
)
