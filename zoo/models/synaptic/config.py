"""Configurations of the synaptic-strength family."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models import pixels
from zoo.models.image_config import NormalizedImageConfig


@dataclass(frozen=True, kw_only=True)
class SynapticConfig(NormalizedImageConfig):
    """What the networks of this family have in common.

    Attributes:
        form: of the convolutions: `"parameter"` or `"product"` as in `zoo.layers.SynapticConv2D`, with normalizations
            without scale; `"plain"` for ordinary convolutions and normalizations.
        strength_l1: weight of the penalty on each strength, while training.
        group_l1: weight of the penalty on the norm of the strengths that leave an input channel, while training.
        head_dropout: rate between the features and the head, in training.
    """

    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    form: str = "parameter"
    strength_l1: float = 0.0
    group_l1: float = 0.0
    mean: tuple[float, ...] = pixels.CIFAR10.mean
    std: tuple[float, ...] = pixels.CIFAR10.std
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class VGGConfig(SynapticConfig):
    """VGG with batch normalization for small images; a pooling before each stage but the first.

    Attributes:
        widths: output channels of every convolution, a tuple a stage. A compacted network is one with other widths.
    """

    widths: tuple[tuple[int, ...], ...] = ((64,) * 2, (128,) * 2, (256,) * 3, (512,) * 3, (512,) * 3)


@dataclass(frozen=True, kw_only=True)
class ResNetConfig(SynapticConfig):
    """ResNet of basic blocks for small images, with a 3x3 stem.

    Attributes:
        widths: channels of the stages; each but the first halves the image.
        blocks: residual blocks of the stages, two convolutions each.
        projection: 1x1 convolutions where a shortcut changes its shape; else every second pixel and zero channels.
    """

    widths: tuple[int, ...] = (16, 32, 64)
    blocks: tuple[int, ...] = (3, 3, 3)
    projection: bool = False


@dataclass(frozen=True, kw_only=True)
class DenseNetConfig(SynapticConfig):
    """DenseNet without bottlenecks for small images; 1x1 convolution and average pooling between stages.

    Attributes:
        growth: channels that each layer adds.
        layers: convolutions of each stage.
        stem: channels of the first convolution.
    """

    growth: int = 12
    layers: tuple[int, ...] = (12, 12, 12)
    stem: int = 24


@dataclass(frozen=True, kw_only=True)
class BottleneckConfig(SynapticConfig):
    """ResNet of bottleneck blocks for photographs, the stride in the 3x3 convolution.

    Attributes:
        widths: channels of the 3x3 convolutions of the stages; the blocks put out four times as many.
        blocks: residual blocks of the stages, three convolutions each.
    """

    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    num_classes: int = 1000
    mean: tuple[float, ...] = pixels.IMAGENET.mean
    std: tuple[float, ...] = pixels.IMAGENET.std
    widths: tuple[int, ...] = (64, 128, 256, 512)
    blocks: tuple[int, ...] = (3, 4, 6, 3)
