"""The blocks of the known architectures, whatever convolution they are made of, and stages of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keras import layers

from zoo.math.values import is_whole
from zoo.models.blocks.layers import conv, depthwise, norm

Convolution = Callable[..., Any]
"""What makes maps: called with `(x, filters, kernel_size, name, strides=1)`, as `conv`."""

Normalization = Callable[[Any, str], Any]
"""What normalises maps: called with `(x, name)`, as `norm`."""


@dataclass(frozen=True)
class Blocks:
    """The blocks of the known architectures, made of one kind of convolution, normalization and ReLU.

    Layers are called `<name>_conv1`, `<name>_conv1_norm`, `<name>_conv1_relu` and so on. Where a method takes a
    convolution, as `first` or `second`, that one stands in the place of the kind's.

    Attributes:
        conv: the convolution, `(x, filters, kernel_size, name, strides=1)` to maps.
        norm: the normalization, `(x, name)` to maps.
        relu_max: where the ReLU ends, as in ReLU6; None for nowhere.
        order: channels that the convolution gives for each filter: the order of a group, else 1.

    Example:
        >>> import functools
        >>> import keras
        >>> plain = Blocks(conv=functools.partial(conv, initializer="glorot_normal"))
        >>> plain.basic(keras.Input((8, 8, 16)), 32, "stage2_block1", strides=2).shape
        (None, 4, 4, 32)
    """

    conv: Convolution = conv
    norm: Normalization = norm
    relu_max: float | None = None
    order: int = 1

    def relu(self, x: Any, name: str) -> Any:
        """ReLU, called `<name>_relu`."""
        return layers.ReLU(self.relu_max, name=f"{name}_relu")(x)

    def norm_relu(self, x: Any, name: str) -> Any:
        """Normalization and ReLU."""
        return self.relu(self.norm(x, name), name)

    def conv_norm(
        self, x: Any, filters: int, kernel_size: int, name: str, *, conv: Convolution | None = None, strides: int = 1
    ) -> Any:
        """Convolution and normalization."""
        return self.norm((conv or self.conv)(x, filters, kernel_size, name, strides=strides), name)

    def conv_norm_relu(
        self, x: Any, filters: int, kernel_size: int, name: str, *, conv: Convolution | None = None, strides: int = 1
    ) -> Any:
        """Convolution, normalization and ReLU."""
        return self.relu(self.conv_norm(x, filters, kernel_size, name, conv=conv, strides=strides), name)

    def chain(self, x: Any, widths: Iterable[int], name: str, kernel_size: int = 3) -> Any:
        """Convolutions `<name>1`, `<name>2`, ..., each with normalization and ReLU, as between the pools of VGG."""
        for index, width in enumerate(widths, start=1):
            x = self.conv_norm_relu(x, width, kernel_size, f"{name}{index}")
        return x

    def basic(
        self,
        x: Any,
        width: int,
        name: str,
        *,
        strides: int = 1,
        first: Convolution | None = None,
        second: Convolution | None = None,
        shortcut: Callable[..., Any] | None = None,
    ) -> Any:
        """ResNet's basic block: two 3x3 layers, plus the input.

        Args:
            x: maps.
            width: filters of both layers.
            name: of the block.
            strides: of the first layer and the shortcut.
            first: the first convolution.
            second: the second convolution.
            shortcut: `(x, filters, name, strides=1)` to maps of the block's shape; None for `project`.

        Returns:
            Maps of `width` filters.
        """
        beside = (shortcut or self.project)(x, width, f"{name}_shortcut", strides=strides)
        x = self.conv_norm_relu(x, width, 3, f"{name}_conv1", conv=first, strides=strides)
        x = self.conv_norm(x, width, 3, f"{name}_conv2", conv=second)
        return self._join(x, beside, name)

    def bottleneck(
        self,
        x: Any,
        width: int,
        name: str,
        *,
        strides: int = 1,
        expansion: int = 4,
        second: Convolution | None = None,
        third: Convolution | None = None,
    ) -> Any:
        """ResNet's bottleneck block: 1x1, 3x3 with the stride, and 1x1 layer, plus the input.

        Args:
            x: maps.
            width: filters of the first two layers.
            name: of the block.
            strides: of the 3x3 layer and the shortcut.
            expansion: the block gives so many times as many filters.
            second: the 3x3 convolution.
            third: the last convolution.

        Returns:
            Maps of `expansion * width` filters.
        """
        beside = self.project(x, expansion * width, f"{name}_shortcut", strides=strides)
        x = self.conv_norm_relu(x, width, 1, f"{name}_conv1")
        x = self.conv_norm_relu(x, width, 3, f"{name}_conv2", conv=second, strides=strides)
        x = self.conv_norm(x, expansion * width, 1, f"{name}_conv3", conv=third)
        return self._join(x, beside, name)

    def project(self, x: Any, filters: int, name: str, *, strides: int = 1) -> Any:
        """A residual shortcut: the input, by a 1x1 convolution where its shape changes."""
        if strides == 1 and x.shape[-1] == filters * self.order:
            return x
        return self.conv_norm(x, filters, 1, name, strides=strides)

    def _join(self, x: Any, shortcut: Any, name: str) -> Any:
        return self.relu(layers.Add(name=f"{name}_add")([x, shortcut]), name)

    def inverted(self, x: Any, width: int, name: str, *, strides: int = 1, **options: Any) -> Any:
        """MobileNetV2's inverted residual: the layers of `inverted_branch`, plus the input where the shape stays."""
        y = self.inverted_branch(x, width, name, strides=strides, **options)
        if strides > 1 or x.shape[-1] != width:
            return y
        return layers.Add(name=f"{name}_add")([y, x])

    def inverted_branch(
        self,
        x: Any,
        width: int,
        name: str,
        *,
        inner: int | None,
        kernel_size: int = 3,
        strides: int = 1,
        depthwise: Callable[..., Any] = depthwise,
        expand: Convolution | None = None,
        project: Convolution | None = None,
    ) -> Any:
        """1x1 layer to more channels, a depthwise one, 1x1 layer to fewer without ReLU.

        Args:
            x: maps.
            width: filters to give.
            name: of the block.
            inner: channels between; None for no first layer.
            kernel_size: of the depthwise layer.
            strides: of the depthwise layer.
            depthwise: `(x, kernel_size, name, strides=1)` to maps of as many channels.
            expand: the first convolution.
            project: the last convolution.

        Returns:
            Maps of `width` filters.
        """
        if inner is not None:
            x = self.conv_norm_relu(x, inner, 1, f"{name}_expand", conv=expand)
        x = self.norm_relu(depthwise(x, kernel_size, f"{name}_depthwise", strides=strides), f"{name}_depthwise")
        return self.conv_norm(x, width, 1, f"{name}_project", conv=project)

    def dense(self, x: Any, growth: int, name: str, *, second: Convolution | None = None, join: str = "append") -> Any:
        """DenseNet's layer with a bottleneck: norm, ReLU, 1x1, norm, ReLU, 3x3; its channels come after the input's.

        Args:
            x: maps.
            growth: filters of the 3x3 convolution; the 1x1 one has four times as many.
            name: of the layer.
            second: the 3x3 convolution.
            join: the concatenation is called `<name>_<join>`.

        Returns:
            Maps of `growth` channels more.
        """
        new = self.conv_norm_relu(self.norm_relu(x, f"{name}_input"), 4 * growth, 1, f"{name}_conv1")
        new = (second or self.conv)(new, growth, 3, f"{name}_conv2")
        return layers.Concatenate(name=f"{name}_{join}")([x, new])


def check_stages(widths: Any, depths: Any) -> None:
    """Raises ValueError unless both have one positive integer for each stage of a network."""
    for name, numbers in (("widths", widths), ("blocks", depths)):
        if not isinstance(numbers, (tuple, list)) or not numbers or not all(is_whole(n) and n > 0 for n in numbers):
            raise ValueError(
                f"Expected `{name}` to be a positive integer for each stage, as in (2, 2, 2); got {numbers!r}."
            )
    if len(widths) != len(depths):
        raise ValueError(
            f"Expected `widths` and `blocks` to have the same number of stages; got {widths!r} and {depths!r}."
        )


def stack(
    x: Any,
    block: Callable[..., Any],
    widths: Sequence[int],
    depths: Sequence[int],
    strides: Sequence[int] | None = None,
) -> Any:
    """Stages of blocks that are called `stage1_block1` and so on.

    Args:
        x: maps.
        block: `(x, width, name, strides=1)` to maps.
        widths: of the blocks of each stage.
        depths: blocks of each stage.
        strides: of the first block of each stage; None for 1 in the first stage and 2 in the others.

    Returns:
        The last block's maps.
    """
    strides = strides or (1,) + (2,) * (len(widths) - 1)
    for stage, (width, depth, first) in enumerate(zip(widths, depths, strides, strict=True), start=1):
        for index in range(1, depth + 1):
            x = block(x, width, f"stage{stage}_block{index}", strides=first if index == 1 else 1)
    return x
