"""Configurations of the scene networks."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models import pixels
from zoo.models.image_config import NormalizedImageConfig


@dataclass(frozen=True, kw_only=True)
class SceneConfig(NormalizedImageConfig):
    """What all scene networks have.

    Attributes:
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "scene"
    input_shape: tuple[int | None, int | None, int] = (None, None, 3)
    num_classes: int = 365
    mean: tuple[float, ...] = pixels.IMAGENET.mean
    std: tuple[float, ...] = pixels.IMAGENET.std
    head_dropout: float = 0.0


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


@dataclass(frozen=True, kw_only=True)
class SceneLiteConfig(SceneConfig):
    """EfficientNet-Lite0 on grey or colour pictures, which are resized to the size that suits it.

    Attributes:
        size: of the square that the network sees; the class maps have a side of `size / 32`.
        frozen: train the last layer of maps and the head alone; the layers below normalise by their stored statistics.
    """

    mean: tuple[float, ...] = pixels.EFFICIENTNET_LITE.mean
    std: tuple[float, ...] = pixels.EFFICIENTNET_LITE.std
    size: int = 160
    frozen: bool = False
