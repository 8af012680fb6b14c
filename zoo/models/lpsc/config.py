"""Configurations of the LPSC family."""

from __future__ import annotations

from dataclasses import dataclass

CIFAR_MEAN = (125.307, 122.961, 113.8575)
CIFAR_STD = (51.5865, 50.847, 51.255)
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True, kw_only=True)
class LPSCAlexNetConfig:
    """AlexNet for 32x32 images, its first two convolutions log-polar.

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255.
        num_classes: logits.
        include_head: end with the classifier, else with the features.
        log_polar: log-polar convolutions, else plain ones of 11x11 and 5x5.
        pooling: over the regions: `"mean"`, `"sum"` or `"max"`.
        center: give the middle pixel weights of its own.
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    name: str = "lpsc_alexnet"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    include_head: bool = True
    log_polar: bool = True
    pooling: str = "mean"
    center: bool = True
    mean: tuple[float, ...] = CIFAR_MEAN
    std: tuple[float, ...] = CIFAR_STD


@dataclass(frozen=True, kw_only=True)
class LPSCVGGConfig:
    """VGG for 32x32 images, with a log-polar convolution in front of the whole network.

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255.
        num_classes: logits.
        include_head: end with the classifier, else with the features.
        depth: 11, 13, 16 or 19.
        log_polar: put the log-polar convolution in front.
        norm: normalise after every convolution; after the log-polar one in any case.
        width: channels of the first convolution, 64 in the paper; the others have up to 8 times as many.
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    name: str = "lpsc_vgg"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    include_head: bool = True
    depth: int = 19
    log_polar: bool = True
    norm: bool = True
    width: int = 64
    mean: tuple[float, ...] = CIFAR_MEAN
    std: tuple[float, ...] = CIFAR_STD


@dataclass(frozen=True, kw_only=True)
class LPSCResNetConfig:
    """Residual networks with a log-polar stem, or with log-polar shares of the first layers ("cross convolution").

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255.
        num_classes: logits.
        include_head: end with the classifier, else with the features.
        depth: 6 n + 2 layers of small networks; 18, 34, 50 or 101 of others.
        small: the network for 32x32 images with 16, 32 and 64 channels; else that of ImageNet with 64 to 512.
        log_polar: None for the plain network, `"stem"` for a log-polar first layer, or `"cross"`: log-polar channels
            beside plain ones in the first layer and in every block of the first stage.
        share: of `"cross"`: part of the channels that is log-polar.
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    name: str = "lpsc_resnet"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    include_head: bool = True
    depth: int = 20
    small: bool = True
    log_polar: str | None = "stem"
    share: float = 0.5
    mean: tuple[float, ...] = CIFAR_MEAN
    std: tuple[float, ...] = CIFAR_STD


@dataclass(frozen=True, kw_only=True)
class LPSCDeepLabConfig:
    """DeepLab v3 or v3+ on MobileNetV2, one branch of its pyramid log-polar: a class for every pixel.

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255; both sizes are needed.
        num_classes: logits a pixel, the background's included.
        include_head: end with logits of every pixel, else with the features that they are made of.
        log_polar: the third dilated branch is log-polar, else a 3x3 convolution dilated by 18.
        kernel_size: window of the log-polar branch.
        decoder: v3+, which refines by features of a quarter of the image's size; else v3.
        dropout: rate after the pyramid.
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    name: str = "lpsc_deeplab"
    input_shape: tuple[int, int, int] = (513, 513, 3)
    num_classes: int = 21
    include_head: bool = True
    log_polar: bool = True
    kernel_size: int = 9
    decoder: bool = True
    dropout: float = 0.1
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
