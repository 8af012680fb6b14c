"""Configurations of the E4-Net family."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models import pixels
from zoo.models.image_config import ImageConfig, NormalizedImageConfig


@dataclass(frozen=True, kw_only=True)
class E4NetConfig(ImageConfig):
    """The seven-layer network for rotated digits: a lifting layer and six equivariant ones.

    Sides of images are multiples of 4 for exact invariance.

    Attributes:
        group: `"p4"` or `"p4m"`.
        layer: `"e4"` or, for the baseline, `"gconv"` (3x3 group convolutions).
        width: fields of every layer.
        kernel_size: of the equivariant layers; the lifting layer is 3x3.
        slices: kernels a position of the E4 layers.
        reduction: of the E4 layers' generator.
        dropout: rate after layers 3 to 7.
        spatial_dropout: drop whole fields, else single positions of a field.
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "e4net"
    input_shape: tuple[int | None, int | None, int] = (28, 28, 1)
    num_classes: int = 10
    group: str = "p4"
    layer: str = "e4"
    width: int = 16
    kernel_size: int = 5
    slices: int = 2
    reduction: int = 1
    dropout: float = 0.2
    spatial_dropout: bool = True
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class E4ResNet18Config(NormalizedImageConfig):
    """ResNet-18 for 32x32 images, equivariant or plain.

    Sides of images are multiples of 8 for exact invariance.

    Attributes:
        group: `"p4"`, `"p4m"`, or None for the plain network.
        layer: second layer of every block: `"e4"` or `"gconv"`.
        widths: fields (plain: channels) of the four stages.
        blocks: residual blocks of the four stages.
        slices_divisor: an E4 layer of C fields has C / slices_divisor slices.
        reduction: of the E4 layers' generator.
        dropout: rate between the two layers of a block.
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "e4resnet18"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    group: str | None = "p4"
    layer: str = "e4"
    widths: tuple[int, int, int, int] = (32, 64, 128, 256)
    blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    slices_divisor: int = 2
    reduction: int = 2
    dropout: float = 0.2
    mean: tuple[float, ...] = pixels.CIFAR10.mean
    std: tuple[float, ...] = pixels.CIFAR10.std
    head_dropout: float = 0.0
