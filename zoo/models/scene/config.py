"""Configurations of the scene networks."""

from __future__ import annotations

from dataclasses import dataclass

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True, kw_only=True)
class SceneConfig:
    """What all scene networks have.

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255; None leaves a side open.
        num_classes: logits.
        include_head: end with the classifier, else with the pooled features.
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    name: str = "scene"
    input_shape: tuple[int | None, int | None, int] = (None, None, 3)
    num_classes: int = 365
    include_head: bool = True
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


@dataclass(frozen=True, kw_only=True)
class SceneResNetConfig(SceneConfig):
    """A ResNet: a 7x7 layer and a pooling, which quarter the sides, then four stages of residual blocks.

    Attributes:
        widths: channels of the four stages; blocks with a bottleneck give four times as many.
        blocks: residual blocks of the four stages.
        strides: of the first block of each stage. The class maps have the sides of the image divided by four times
            their product.
        bottleneck: blocks of three layers (1x1, 3x3, 1x1) instead of two of 3x3.
    """

    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    strides: tuple[int, int, int, int] = (1, 2, 2, 2)
    bottleneck: bool = False


@dataclass(frozen=True, kw_only=True)
class SceneChainConfig(SceneConfig):
    """A chain of convolutions, as AlexNet and VGG, with one more 3x3 layer in the place of the dense ones.

    Attributes:
        layers: of each group its 3x3 convolutions' channels; a pooling stands between two groups.
        stem: channels, kernel size and stride of a first convolution and its pooling (AlexNet), or None (VGG).
        kernel_sizes: of the convolutions of each group.
        pool_size: of the poolings, whose stride is 2.
        features: channels of the last layer, whose means feed the head.
    """

    layers: tuple[tuple[int, ...], ...] = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
    stem: tuple[int, int, int] | None = None
    kernel_sizes: tuple[int, ...] = (3, 3, 3, 3, 3)
    pool_size: int = 2
    features: int = 1024


@dataclass(frozen=True, kw_only=True)
class SceneDenseNetConfig(SceneConfig):
    """A DenseNet with bottlenecks and compression.

    Attributes:
        growth: channels that each layer adds.
        blocks: layers of the dense blocks.
        stem: channels of the first convolution.
    """

    growth: int = 48
    blocks: tuple[int, ...] = (6, 12, 36, 24)
    stem: int = 96
