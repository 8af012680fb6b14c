"""What layers of several families share: checks of shapes, sums, initializers, and the 1x1 convolution."""

from __future__ import annotations

from typing import Any

from keras import backend, initializers, ops

from zoo.math.values import Tensor, is_whole, wide


def widened(values: Tensor) -> Tensor:
    """The values in float32 or better, to be added up: in 16 bits a sum, and that of a gradient, stops growing."""
    return ops.cast(values, wide(backend.standardize_dtype(values.dtype)))


def with_bias(outputs: Tensor, bias: Tensor) -> Tensor:
    """Outputs plus one number a channel, whose gradient is summed over all positions in float32 or better."""
    return ops.cast(widened(outputs) + widened(bias), outputs.dtype)


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


def pointwise(inputs: Tensor, matrix: Tensor) -> Tensor:
    """The 1x1 convolution (B, H, W, channels) -> (B, H, W, columns of `matrix`) as one product of two matrices.

    XLA's gradients of a 1x1 convolution and of a product with more than two axes are many times slower on CPUs.
    """
    *leading, channels = ops.shape(inputs)
    return ops.reshape(ops.matmul(ops.reshape(inputs, (-1, channels)), matrix), (*leading, matrix.shape[-1]))
