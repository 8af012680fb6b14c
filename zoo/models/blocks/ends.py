"""Where the convolutional families begin and end: raw pixels, and the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers


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
    # Of shape (1, 1, channels): of flat lists Keras takes the axis that its image_data_format says at the time.
    scale = [[[1 / value for value in std]]]
    offset = [[[-middle / value for middle, value in zip(mean, std, strict=True)]]]
    return inputs, layers.Rescaling(scale, offset, name="normalize")(inputs)


def classify(
    x: Any, inputs: Any, *, name: str, num_classes: int, include_head: bool = True, head_dropout: float = 0.0
) -> keras.Model:
    """The model that ends with the dense layer `head` on the features, perhaps with dropout, or with the features.

    The head begins uniformly within 1 / sqrt(features), weights and bias, as torch's linear layer does.
    """
    if include_head:
        x = drop_before_head(x, head_dropout)
        bound = x.shape[-1] ** -0.5
        uniform = keras.initializers.RandomUniform(-bound, bound)
        head = layers.Dense(num_classes, kernel_initializer=uniform, bias_initializer=uniform.clone(), name="head")
        x = head(x)
    return keras.Model(inputs, x, name=name)


def finish(config: Any, inputs: Any, x: Any, *, head_dropout: float | None = None) -> keras.Model:
    """The model that ends as its configuration says: see `classify`.

    `head_dropout` is the configuration's if not given, and 0 for one without it, whose network has dropout of its own.
    """
    return classify(
        x,
        inputs,
        name=config.name,
        num_classes=config.num_classes,
        include_head=config.include_head,
        head_dropout=getattr(config, "head_dropout", 0.0) if head_dropout is None else head_dropout,
    )


def finish_maps(config: Any, inputs: Any, maps: Any, *, head_dropout: float | None = None) -> keras.Model:
    """`finish` on the mean of each map over all positions."""
    x = layers.GlobalAveragePooling2D(data_format="channels_last", name="global_pool")(maps)
    return finish(config, inputs, x, head_dropout=head_dropout)


def drop_before_head(x: Any, rate: float) -> Any:
    """Dropout of the features that feed the head, where its rate is above 0."""
    return layers.Dropout(rate, name="head_dropout")(x) if rate else x
