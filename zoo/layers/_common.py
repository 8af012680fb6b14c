"""What layers of several families share: checks of arguments, initializers, and the 1x1 convolution."""

from __future__ import annotations

from typing import Any

from keras import initializers, ops

from zoo.math.values import is_whole


def check_positive(**arguments: int) -> None:
    """Raises ValueError for the first argument that is not a positive integer."""
    for name, value in arguments.items():
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be a positive integer; got {value!r}.")


def channels_of(layer_name: str, input_shape: tuple[int | None, ...]) -> int:
    """Number of channels of an input (B, H, W, channels)."""
    if len(input_shape) != 4 or input_shape[-1] is None:
        raise ValueError(
            f"Layer {layer_name!r} expects a 4-D channels-last input (batch, height, width, channels) with a known "
            f"number of channels; got shape {tuple(input_shape)}."
        )
    return input_shape[-1]


def another(initializer: Any) -> Any:
    """An initializer of the same kind for a second weight; with a fixed seed it takes the next one."""
    if not isinstance(initializer, initializers.Initializer):
        return initializer
    config = initializer.get_config()
    if is_whole(config.get("seed")):
        config["seed"] += 1
    return type(initializer).from_config(config)


def in_float32(initializer: Any) -> Any:
    """The initializer at full precision: torch orthogonalises no matrices of half precision."""
    return lambda shape, dtype=None: ops.cast(initializer(shape, dtype="float32"), dtype)


def pointwise(inputs: Any, matrix: Any) -> Any:
    """The 1x1 convolution (B, H, W, channels) -> (B, H, W, columns of `matrix`) as one product of two matrices.

    XLA's gradients of a 1x1 convolution and of a product with more than two axes are many times slower on CPUs.
    """
    *leading, channels = ops.shape(inputs)
    return ops.reshape(ops.matmul(ops.reshape(inputs, (-1, channels)), matrix), (*leading, matrix.shape[-1]))
