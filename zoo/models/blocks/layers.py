"""Single layers of the convolutional families: channels last, the image amid zeros, normalization as torch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers


def conv(
    x: Any,
    filters: int,
    kernel_size: int,
    name: str,
    *,
    strides: int = 1,
    padding: str = "symmetric",
    use_bias: bool = False,
    initializer: str | Callable[[], Any] = "he_normal",
    layer: type[keras.Layer] = layers.Conv2D,
    **options: Any,
) -> Any:
    """A convolution for odd kernel sizes k, with zeros around the image, k // 2 wide.

    Args:
        x: maps (B, H, W, C).
        filters: channels to give.
        kernel_size: k.
        name: of the layer; that of zeros, where they are a layer, is `<name>_pad`.
        strides: between windows.
        padding: `"symmetric"`; `"same"` puts the zeros as TensorFlow does, at a stride of 2 fewer at the top and left.
        use_bias: add a bias.
        initializer: name of the kernel's, or a function that makes one: an initializer serves one variable only.
        layer: class of the layer, which takes the arguments of `keras.layers.Conv2D`.
        options: further arguments of the layer.

    Returns:
        Maps (B, ceil(H / strides), ceil(W / strides), filters).

    Example:
        >>> conv(keras.Input((9, 9, 3)), 8, 3, "stem", strides=2).shape
        (None, 5, 5, 8)
    """
    pad = kernel_size // 2 if strides > 1 and padding == "symmetric" else 0
    if pad:
        x = _zeros(x, pad, name)
    convolution = layer(
        filters,
        kernel_size,
        strides=strides,
        padding="valid" if pad else "same",
        use_bias=use_bias,
        kernel_initializer=_start(initializer),
        data_format="channels_last",
        name=name,
        **options,
    )
    return convolution(x)


def depthwise(
    x: Any,
    kernel_size: int,
    name: str,
    *,
    strides: int = 1,
    dilation: int = 1,
    padding: str = "symmetric",
    initializer: str | Callable[[], Any] = "he_normal",
) -> Any:
    """A convolution of each channel alone; arguments as of `conv`, but symmetric zeros are always a layer."""
    if padding == "symmetric":
        x = _zeros(x, dilation * (kernel_size // 2), name)
    convolution = layers.DepthwiseConv2D(
        kernel_size,
        strides,
        padding="valid" if padding == "symmetric" else "same",
        dilation_rate=dilation,
        use_bias=False,
        depthwise_initializer=_start(initializer),
        data_format="channels_last",
        name=name,
    )
    return convolution(x)


def _zeros(x: Any, width: int, name: str) -> Any:
    return layers.ZeroPadding2D(width, data_format="channels_last", name=f"{name}_pad")(x)


def _start(initializer: str | Callable[[], Any]) -> Any:
    return initializer if isinstance(initializer, str) else initializer()


def norm(x: Any, name: str, *, momentum: float = 0.9, epsilon: float = 1e-5, scale: bool = True) -> Any:
    """Batch normalization with the moving averages of 10 steps and the epsilon of torch, if not said otherwise."""
    return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, scale=scale, name=f"{name}_norm")(x)


def max_pool(x: Any, name: str, size: int = 2) -> Any:
    """Halves the sides; windows of 3 take one row of zeros around, which no maximum after a ReLU sees."""
    if size % 2:
        x = _zeros(x, size // 2, name)
    return layers.MaxPooling2D(size, 2, data_format="channels_last", name=name)(x)


def subsample_shortcut(x: Any, filters: int, name: str, *, strides: int = 2) -> Any:
    """A residual shortcut without weights: every second pixel, and as many zero channels on either side as are missing.

    Option A of He et al., Deep Residual Learning, section 4.2.
    """
    missing = filters - x.shape[-1]
    if missing < 0 or missing % 2:
        raise ValueError(
            f"Expected an even number of channels more than the input's {x.shape[-1]} for the shortcut {name!r}; got "
            f"{filters}."
        )
    if strides > 1:  # the mean over a window of one pixel
        x = layers.AveragePooling2D(1, strides, data_format="channels_last", name=f"{name}_subsample")(x)
    if not missing:
        return x
    zeros = [(0, 0), (missing // 2, missing // 2)]
    x = layers.Permute((1, 3, 2), name=f"{name}_to_rows")(x)
    x = layers.ZeroPadding2D(zeros, data_format="channels_last", name=f"{name}_zeros")(x)
    return layers.Permute((1, 3, 2), name=f"{name}_from_rows")(x)
