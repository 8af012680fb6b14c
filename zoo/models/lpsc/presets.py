"""The registered LPSC networks and their plain counterparts."""

from __future__ import annotations

from typing import Any

from zoo._labels import CIFAR10, IMAGENET, VOC2012
from zoo.models import pixels
from zoo.models.lpsc.config import (
    LPSCAlexNetConfig,
    LPSCDeepLabConfig,
    LPSCResNetConfig,
    LPSCVGGConfig,
)
from zoo.models.preset import TINY, Paper, Preset

LPSC = Paper(
    key="lpsc",
    title="Log-Polar Space Convolution Layers",
    authors="B. Su, J.-R. Wen",
    venue="NeurIPS",
    year=2022,
    url="https://openreview.net/forum?id=wzJcEb5Mm4",
)

_UNREAD = "Built from the authors' code and README; the paper's full text was not read."
_BASELINE = "A baseline of ours, the same network without log-polar layers."
_ONE_START = "Both biases of a log-polar layer begin within the bound of the pooled branch's."
_EXTRA = "As in the authors' code, the log-polar layer stands in front of VGG and replaces none of its layers."
_ZEROS = "The backbone pads with zeros right before its 3x3 convolutions; the adapted code does so one layer earlier."


def _cifar(
    name: str,
    summary: str,
    parameters: int,
    kind: Any,
    deviations: tuple[str, ...] = (),
    **config: Any,
) -> Preset:
    return Preset(
        name=name,
        config=kind(name=name, **config),
        summary=summary,
        paper=LPSC,
        dataset="cifar10",
        labels=CIFAR10,
        parameters=parameters,
        deviations=(*deviations, _UNREAD),
    )


def _plain(name: str, summary: str, parameters: int, kind: Any, **config: Any) -> Preset:
    off = None if kind is LPSCResNetConfig else False
    return _cifar(name, summary, parameters, kind, (_BASELINE,), log_polar=off, **config)


def _alexnets() -> tuple[Preset, ...]:
    return (
        _cifar("lpsc_alexnet_cifar10", "AlexNet with LPSC", 2_306_634, LPSCAlexNetConfig, (_ONE_START,)),
        _plain("lpsc_plain_alexnet_cifar10", "plain AlexNet", 2_472_266, LPSCAlexNetConfig),
    )


def _vggs() -> tuple[Preset, ...]:
    with_norm = {11: 9_269_002, 13: 9_453_898, 16: 14_766_154, 19: 20_078_410}
    without = {11: 9_263_498, 13: 9_448_010, 16: 14_757_706, 19: 20_067_402}
    found = []
    for depth, parameters in with_norm.items():
        options: dict[str, Any] = {"kind": LPSCVGGConfig, "deviations": (_EXTRA,), "depth": depth}
        found.append(
            _cifar(f"lpsc_vgg{depth}_bn_cifar10", f"VGG-{depth}-BN behind LPSC", parameters=parameters, **options)
        )
        options["norm"] = False
        found.append(
            _cifar(f"lpsc_vgg{depth}_cifar10", f"VGG-{depth} behind LPSC", parameters=without[depth], **options)
        )
    half = {"depth": 11, "width": 32}
    return (
        *found,
        _plain("lpsc_plain_vgg19_bn_cifar10", "plain VGG-19-BN", 20_040_522, LPSCVGGConfig),
        _cifar(
            "lpsc_vgg11_bn_half_cifar10",
            "VGG-11-BN of half width behind LPSC",
            2_321_290,
            LPSCVGGConfig,
            (_EXTRA, "Half as many channels in all layers, so that the file stays small."),
            **half,
        ),
        _plain("lpsc_plain_vgg11_bn_half_cifar10", "plain VGG-11-BN of half width", 2_311_562, LPSCVGGConfig, **half),
    )


def _resnets() -> tuple[Preset, ...]:
    stem = {20: 272_698, 32: 467_130, 44: 661_562, 56: 855_994, 110: 1_730_938}
    cross = {20: 274_146, 32: 469_618, 44: 665_090, 56: 860_562, 110: 1_740_186}
    found = []
    for depth, parameters in stem.items():
        name = f"resnet{depth}_cifar10"
        options: dict[str, Any] = {"kind": LPSCResNetConfig, "depth": depth}
        found.append(_cifar(f"lpsc_{name}", f"ResNet-{depth} with an LPSC stem", parameters=parameters, **options))
        options["log_polar"] = "cross"
        found.append(_cifar(f"lpsc_cc_{name}", f"ResNet-{depth} with LPSC-CC", parameters=cross[depth], **options))
    tiny = ("lpsc_tiny_cifar10", "ResNet-8 of 12 channels with an LPSC stem", 44_398)
    found.append(_cifar(*tiny, LPSCResNetConfig, (TINY,), depth=8, width=12))
    return (*found, _plain("lpsc_plain_resnet20_cifar10", "plain ResNet-20", 272_474, LPSCResNetConfig))


def _imagenet(name: str, summary: str, parameters: int, deviations: tuple[str, ...], **config: Any) -> Preset:
    return Preset(
        name=name,
        config=LPSCResNetConfig(
            name=name,
            input_shape=(224, 224, 3),
            num_classes=1000,
            small=False,
            mean=pixels.IMAGENET.mean,
            std=pixels.IMAGENET.std,
            **config,
        ),
        summary=summary,
        paper=LPSC,
        dataset="imagenet",
        labels=IMAGENET,
        parameters=parameters,
        deviations=(*deviations, _UNREAD),
    )


def _imagenets() -> tuple[Preset, ...]:
    parameters = {
        18: (11_685_032, 11_696_616, 11_703_720),
        34: (21_793_192, 21_808_888, 21_820_104),
        50: (25_552_552, 25_568_248, 25_579_464),
        101: (44_544_680, 44_560_376, 44_571_592),
    }
    found = []
    for depth, (stem, quarter, half) in parameters.items():
        name, cross = f"resnet{depth}_imagenet", {"depth": depth, "log_polar": "cross"}
        found += [
            _imagenet(f"lpsc_{name}", f"ResNet-{depth} with an LPSC stem", stem, (), depth=depth),
            _imagenet(f"lpsc_cc25_{name}", f"ResNet-{depth} with 25 % LPSC-CC", quarter, (), share=0.25, **cross),
            _imagenet(f"lpsc_cc50_{name}", f"ResNet-{depth} with 50 % LPSC-CC", half, (), share=0.5, **cross),
        ]
    plain = ("lpsc_plain_resnet18_imagenet", "plain ResNet-18", 11_689_512, (_BASELINE,))
    return (*found, _imagenet(*plain, depth=18, log_polar=None))


def _deeplab(name: str, summary: str, parameters: int, deviations: tuple[str, ...], **config: Any) -> Preset:
    return Preset(
        name=name,
        config=LPSCDeepLabConfig(name=name, **config),
        summary=summary,
        paper=LPSC,
        dataset="voc2012",
        labels=VOC2012,
        task="semantic-segmentation",
        parameters=parameters,
        deviations=(*deviations, _ZEROS, _UNREAD),
    )


PRESETS = (
    *_alexnets(),
    *_vggs(),
    *_resnets(),
    *_imagenets(),
    _deeplab("lpsc_deeplabv3plus_mobilenetv2_voc2012", "DeepLab v3+ with an LPSC branch", 5_799_413, ()),
    _deeplab("lpsc_deeplabv3_mobilenetv2_voc2012", "DeepLab v3 with an LPSC branch", 5_687_573, (), decoder=False),
    _deeplab(
        "lpsc_plain_deeplabv3plus_mobilenetv2_voc2012",
        "plain DeepLab v3+",
        5_225_717,
        (_BASELINE,),
        log_polar=False,
    ),
)
