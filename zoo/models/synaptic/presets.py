"""The registered networks with strengths, their plain baseline and their pruned forms."""

from __future__ import annotations

from typing import Any

from zoo._labels import CIFAR10, IMAGENET
from zoo.models.preset import TINY, Paper, Preset
from zoo.models.synaptic.config import BottleneckConfig, DenseNetConfig, ResNetConfig, SynapticConfig, VGGConfig

SYNAPTIC = Paper(
    key="synaptic",
    title="Synaptic Strength For Convolutional Neural Network",
    authors="C. Lin, Z. Zhong, W. Wu, J. Yan",
    venue="NeurIPS",
    year=2018,
    url="https://arxiv.org/abs/1811.02454",
)

_UNREAD = (
    "The paper's method section was not read: one strength a connection with the L2 norm of its kernel slice, "
    "normalizations without scale, an L1 penalty and a global threshold are our reading."
)
_NARROW = "VGG-16 at 3/8 of its width, the last stage as wide as the one before: what a CPU can train."
_FIRST = "The first convolution has strengths and is not pruned: our reading."
_SHORT = "Trained for tens of epochs, not for the hundreds that are usual."
_CHANNELS = (
    "Not in the paper: whole channels were removed, those with the weakest connections, down to the widths of the "
    "configuration, which are multiples of 16 for the sake of speed."
)

VGG19 = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)
NARROW = ((24,) * 2, (48,) * 2, (96,) * 3, (192,) * 3, (192,) * 3)
COMPACT = ((16,) * 2, (32,) * 2, (48,) * 3, (64,) * 3, (64,) * 3)


def _preset(config: SynapticConfig, summary: str, parameters: int, *deviations: str) -> Preset:
    cifar = config.num_classes == 10
    return Preset(
        name=config.name,
        config=config,
        summary=summary,
        paper=SYNAPTIC,
        dataset="cifar10" if cifar else "imagenet",
        labels=CIFAR10 if cifar else IMAGENET,
        parameters=parameters,
        deviations=deviations,
    )


def _narrow(name: str, summary: str, parameters: int, *deviations: str, **config: Any) -> Preset:
    full = VGGConfig(name=name, **{"widths": NARROW, **config})
    return _preset(full, summary, parameters, _UNREAD, _NARROW, _SHORT, *deviations)


PRESETS = (
    _narrow("synaptic_dense_vgg16_narrow_cifar10", "narrow VGG-16, the dense baseline", 2_074_162, form="plain"),
    _narrow(
        "synaptic_slimming_vgg16_narrow_cifar10",
        "narrow VGG-16, its normalizations' scales penalised",
        2_074_162,
        "Network slimming (Z. Liu et al., ICCV 2017), for comparison; its penalty is taken by proximal steps.",
        form="plain",
    ),
    _narrow("synaptic_vgg16_narrow_cifar10", "narrow VGG-16 with strengths, not pruned", 2_302_474, _FIRST),
    _narrow("synaptic_vgg16_narrow_p90_cifar10", "narrow VGG-16, 90 % of connections pruned", 2_302_474, _FIRST),
    _narrow("synaptic_vgg16_narrow_p96_cifar10", "narrow VGG-16, 96 % of connections pruned", 2_302_474, _FIRST),
    _narrow(
        "synaptic_vgg16_narrow_compact_cifar10",
        "narrow VGG-16, cut down to fewer channels",
        285_722,
        _CHANNELS,
        form="plain",
        widths=COMPACT,
    ),
    _preset(VGGConfig(name="synaptic_vgg16_cifar10"), "VGG-16 with strengths", 16_354_314, _UNREAD, _FIRST),
    _preset(
        VGGConfig(name="synaptic_vgg19_cifar10", widths=VGG19), "VGG-19 with strengths", 22_253_834, _UNREAD, _FIRST
    ),
    _preset(
        ResNetConfig(name="synaptic_tiny_cifar10", widths=(10, 20, 40), blocks=(1, 1, 1)),
        "ResNet-8 of 10 channels with strengths",
        32_860,
        _UNREAD,
        _FIRST,
        TINY,
    ),
    _preset(
        ResNetConfig(
            name="synaptic_resnet18_cifar10", widths=(64, 128, 256, 512), blocks=(2, 2, 2, 2), projection=True
        ),
        "ResNet-18 with strengths",
        12_561_994,
        _UNREAD,
        _FIRST,
    ),
    _preset(ResNetConfig(name="synaptic_resnet20_cifar10"), "ResNet-20 with strengths", 298_778, _UNREAD, _FIRST),
    _preset(
        ResNetConfig(name="synaptic_resnet56_cifar10", blocks=(9, 9, 9)),
        "ResNet-56 with strengths",
        945_242,
        _UNREAD,
        _FIRST,
    ),
    _preset(
        DenseNetConfig(name="synaptic_densenet40_cifar10"), "DenseNet-40 with strengths", 1_276_666, _UNREAD, _FIRST
    ),
    _preset(
        BottleneckConfig(name="synaptic_resnet50_imagenet"), "ResNet-50 with strengths", 38_916_392, _UNREAD, _FIRST
    ),
)
