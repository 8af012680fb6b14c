"""Pieces that the convolutional families have in common: the input, convolution and normalization, the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers


def check_stages(widths: Any, depths: Any) -> None:
    """Raises ValueError unless both have one positive integer for each stage of a network."""
    for name, numbers in (("widths", widths), ("blocks", depths)):
        if not isinstance(numbers, (tuple, list)) or not numbers or not all(_is_count(each) for each in numbers):
            raise ValueError(f"`{name}` must be a positive integer for each stage, as in (2, 2, 2); got {numbers!r}.")
    if len(widths) != len(depths):
        raise ValueError(f"`widths` and `blocks` must have the same number of stages; got {widths!r} and {depths!r}.")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value > 0


def image_input(
    input_shape: tuple[int | None, int | None, int],
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> tuple[Any, Any]:
    """The input of raw pixels, 0 to 255, and the normalised pixels.

    Args:
        input_shape: (height, width, channels); None for an open size.
        mean: of the training pixels, a channel, 0 to 255; None divides by 255 and no more.
        std: of the training pixels, a channel, 0 to 255.

    Returns:
        The Keras input, and `(pixels - mean) / std`.

    Raises:
        ValueError: other than one mean and deviation a channel.

    Example:
        >>> inputs, x = image_input((32, 32, 1), mean=(128.0,), std=(64.0,))
        >>> inputs.name, x.shape
        ('image', (None, 32, 32, 1))
    """
    inputs = keras.Input(input_shape, name="image")
    if mean is None or std is None:
        return inputs, layers.Rescaling(1 / 255, name="normalize")(inputs)
    if not len(mean) == len(std) == input_shape[-1]:
        raise ValueError(
            f"Expected one mean and one standard deviation a channel; got {len(mean)} and {len(std)} for "
            f"{input_shape[-1]} channels. Trained weights take {len(mean)} channels: repeat grey images, as in "
            f"np.repeat(images, {len(mean)}, axis=-1). For an untrained network set the configuration's mean and std "
            "together with input_shape."
        )
    scale = [1 / value for value in std]
    offset = [-middle / value for middle, value in zip(mean, std, strict=True)]
    return inputs, layers.Rescaling(scale, offset, name="normalize")(inputs)


def conv(
    x: Any,
    filters: int,
    kernel_size: int,
    name: str,
    *,
    strides: int = 1,
    groups: int = 1,
    use_bias: bool = False,
    initializer: Any = "he_normal",
) -> Any:
    """A convolution with symmetric zeros around the image, k // 2 wide, for odd kernel sizes k."""
    pad = kernel_size // 2 if strides > 1 else 0  # "same" puts its zeros on one side only where the stride is 2
    if pad:
        x = layers.ZeroPadding2D(pad, data_format="channels_last", name=f"{name}_pad")(x)
    convolution = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="valid" if pad else "same",
        groups=groups,
        use_bias=use_bias,
        kernel_initializer=initializer,
        data_format="channels_last",
        name=name,
    )
    return convolution(x)


def norm(x: Any, name: str) -> Any:
    """Batch normalization with the moving averages of 10 steps and the epsilon of torch."""
    return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_norm")(x)


def norm_relu(x: Any, name: str) -> Any:
    """Batch normalization and ReLU."""
    return layers.ReLU(name=f"{name}_relu")(norm(x, name))


def conv_norm(x: Any, filters: int, kernel_size: int, name: str, **arguments: Any) -> Any:
    """`conv`, then batch normalization."""
    return norm(conv(x, filters, kernel_size, name, **arguments), name)


def conv_norm_relu(x: Any, filters: int, kernel_size: int, name: str, **arguments: Any) -> Any:
    """`conv`, then batch normalization and ReLU."""
    return norm_relu(conv(x, filters, kernel_size, name, **arguments), name)


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


def classify(x: Any, inputs: Any, *, name: str, num_classes: int, include_head: bool = True) -> keras.Model:
    """The model that ends with the dense layer `head` on the features, or with the features.

    The head begins uniformly within 1 / sqrt(features), weights and bias, as torch's linear layer does.
    """
    if include_head:
        bound = x.shape[-1] ** -0.5
        uniform = keras.initializers.RandomUniform(-bound, bound)
        head = layers.Dense(num_classes, kernel_initializer=uniform, bias_initializer=uniform.clone(), name="head")
        x = head(x)
    return keras.Model(inputs, x, name=name)
