"""Configurations of the LPSC family."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models import pixels
from zoo.models.image_config import NormalizedImageConfig


@dataclass(frozen=True, kw_only=True)
class LPSCConfig(NormalizedImageConfig):
    """What the classifiers of this family have in common.

    Attributes:
        head_dropout: rate between the features and the head, in training.
    """

    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    mean: tuple[float, ...] = pixels.CIFAR10_WITHIN_IMAGES.mean
    std: tuple[float, ...] = pixels.CIFAR10_WITHIN_IMAGES.std
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class LPSCAlexNetConfig(LPSCConfig):
    """AlexNet for 32x32 images, its first two convolutions log-polar.

    Attributes:
        log_polar: log-polar convolutions, else plain ones of 11x11 and 5x5.
        pooling: over the regions: `"mean"`, `"sum"` or `"max"`.
        center: give the middle pixel weights of its own.
    """

    name: str = "lpsc_alexnet"
    log_polar: bool = True
    pooling: str = "mean"
    center: bool = True


@dataclass(frozen=True, kw_only=True)
class LPSCVGGConfig(LPSCConfig):
    """VGG for 32x32 images, with a log-polar convolution in front of the whole network.

    Attributes:
        depth: 11, 13, 16 or 19.
        log_polar: put the log-polar convolution in front.
        norm: normalise after every convolution; after the log-polar one in any case.
        width: channels of the first convolution, 64 in the paper; the others have up to 8 times as many.
    """

    name: str = "lpsc_vgg"
    depth: int = 19
    log_polar: bool = True
    norm: bool = True
    width: int = 64


@dataclass(frozen=True, kw_only=True)
class LPSCResNetConfig(LPSCConfig):
    """Residual networks with a log-polar stem, or with log-polar shares of the first layers ("cross convolution").

    Attributes:
        depth: 6 n + 2 layers of small networks; 18, 34, 50 or 101 of others.
        small: the network for 32x32 images with 16, 32 and 64 channels; else that of ImageNet with 64 to 512.
        log_polar: None for the plain network, `"stem"` for a log-polar first layer, or `"cross"`: log-polar channels
            beside plain ones in the first layer and in every block of the first stage.
        share: of `"cross"`: part of the channels that is log-polar.
        width: channels of the first stage, doubled in each further one; None for 16 in a small network, 64 in others.
    """

    name: str = "lpsc_resnet"
    depth: int = 20
    small: bool = True
    log_polar: str | None = "stem"
    share: float = 0.5
    width: int | None = None


@dataclass(frozen=True, kw_only=True)
class LPSCDeepLabConfig(NormalizedImageConfig):
    """DeepLab v3 or v3+ on MobileNetV2, one branch of its pyramid log-polar: a class for every pixel.

    Attributes:
        input_shape: (height, width, channels) of raw images with values 0 to 255; both sizes are needed.
        num_classes: logits a pixel, the background's included.
        include_head: end with logits of every pixel, else with the features that they are made of.
        log_polar: the third dilated branch is log-polar, else a 3x3 convolution dilated by 18.
        kernel_size: window of the log-polar branch.
        decoder: v3+, which refines by features of a quarter of the image's size; else v3.
        dropout: rate after the pyramid.
    """

    name: str = "lpsc_deeplab"
    input_shape: tuple[int, int, int] = (513, 513, 3)
    num_classes: int = 21
    log_polar: bool = True
    kernel_size: int = 9
    decoder: bool = True
    dropout: float = 0.1
    mean: tuple[float, ...] = pixels.IMAGENET.mean
    std: tuple[float, ...] = pixels.IMAGENET.std
