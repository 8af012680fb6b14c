"""Configurations of networks whose blocks share filter bases, and of the same networks without."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.models import pixels
from zoo.models.image_config import NormalizedImageConfig


@dataclass(frozen=True, kw_only=True)
class SharedBasisConfig(NormalizedImageConfig):
    """What all networks of the family have in common.

    Attributes:
        orthogonality: strength of the pull of the shared filters towards an orthonormal set; 0 for none.
        reduction: of that penalty: `"mean"` over the entries of all stages together, or `"sum"`.
        side: of that penalty where a basis has more filters than weights a filter, see `zoo.losses.Orthogonality`.
        reference_init: begin as the authors' code does: unique filters far from unit norm, bases of DenseNet and
            MobileNetV2 not orthonormal. Else all of them begin orthonormal.
    """

    mean: tuple[float, ...] = pixels.IMAGENET.mean
    std: tuple[float, ...] = pixels.IMAGENET.std
    orthogonality: float = 10.0
    reduction: str = "mean"
    side: str = "auto"
    reference_init: bool = False


@dataclass(frozen=True, kw_only=True)
class BasicResNetConfig(SharedBasisConfig):
    """ResNet of basic blocks (two 3x3 layers); all blocks of a stage but the first share.

    Attributes:
        stem: `"3x3"`, or `"7x7"` with stride 2 and max pooling.
        shortcut: where the shape changes: `"pad"` with zero channels, or `"project"` by a 1x1 convolution.
        widths: channels of the stages.
        blocks: blocks of the stages.
        shared: filters S of the first stage's basis; they double from stage to stage. 0 for no basis.
        unique: filters U of each layer of its own in the first stage, doubling likewise. With `shared` 0 and `unique`
            0 the blocks are plain.
        bases: 1: both layers of a block share one basis; 2: the first layers one, the second layers another one.
        regularize_unique: the penalty takes the unique filters in too.
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "shared_basis_resnet"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 10
    stem: str = "3x3"
    shortcut: str = "pad"
    widths: tuple[int, ...] = (16, 32, 64)
    blocks: tuple[int, ...] = (5, 5, 5)
    shared: int = 0
    unique: int = 0
    bases: int = 1
    regularize_unique: bool = True
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class BottleneckResNetConfig(SharedBasisConfig):
    """ResNet or ResNeXt of bottleneck blocks (1x1, 3x3, 1x1); all blocks of a stage but the first share.

    The block's last 1x1 layer stands for the coefficients, with a ReLU between.

    Attributes:
        stem: `"3x3"`, or `"7x7"` with stride 2 and max pooling.
        widths: channels of the 3x3 layers of the stages.
        expansion: a block has `expansion` times as many output channels.
        blocks: blocks of the stages.
        groups: of the plain 3x3 layers.
        shared: filters S of the first stage's 3x3 basis; they double from stage to stage. 0 for no basis.
        unique: 3x3 filters of each layer of its own in the first stage, doubling likewise; beside shared ones only.
        group_filters: the basis has `shared / group_filters` groups in every stage, and the unique filters a group for
            each `group_filters` of them; None for one group.
        share_last: share the last 1x1 layer, too; needs shared 3x3 filters.
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "shared_basis_bottleneck"
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    num_classes: int = 1000
    stem: str = "7x7"
    widths: tuple[int, ...] = (64, 128, 256, 512)
    expansion: int = 4
    blocks: tuple[int, ...] = (3, 4, 6, 3)
    groups: int = 1
    shared: int = 0
    unique: int = 0
    group_filters: int | None = None
    share_last: bool = False
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SharedDenseNetConfig(SharedBasisConfig):
    """DenseNet for 32x32 images; all layers of a dense block share, the first one too.

    Attributes:
        growth: channels that each layer adds.
        blocks: layers of the dense blocks.
        shared: filters of every block's basis, the same in all blocks; 0 for no basis.
        unique: filters of each layer of its own.
        head_dropout: rate between the features and the head, in training.
    """

    name: str = "shared_basis_densenet"
    input_shape: tuple[int | None, int | None, int] = (32, 32, 3)
    num_classes: int = 100
    mean: tuple[float, ...] = pixels.CIFAR100.mean
    std: tuple[float, ...] = pixels.CIFAR100.std
    growth: int = 32
    blocks: tuple[int, ...] = (6, 12, 24, 16)
    shared: int = 0
    unique: int = 0
    head_dropout: float = 0.0


@dataclass(frozen=True, kw_only=True)
class SharedMobileNetV2Config(SharedBasisConfig):
    """MobileNetV2 as the authors built it; the blocks of a stage of 32 channels and more share, but for the first.

    Attributes:
        small: for images of 32x32: the stem is a 1x1 layer that adds a border, and stages keep more resolution.
        share: which 1x1 layers share: of `"expand"` and `"project"` none, one or both.
        attention: `"eca"` puts a gate on the channels at the end of the blocks that share; None for none.
        dropout: rate before the classifier.
    """

    name: str = "shared_basis_mobilenetv2"
    input_shape: tuple[int | None, int | None, int] = (224, 224, 3)
    num_classes: int = 1000
    small: bool = False
    share: tuple[str, ...] = ()
    attention: str | None = None
    dropout: float = 0.2
