"""Which input pixels a unit in the middle of a feature map listens to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np


def effective_receptive_field(model: keras.Model, images: Any, layer: str | None = None) -> np.ndarray:
    """How strongly the middle of a feature map reacts to each input pixel.

        field[u] = mean over images and input channels of |d sum_c map[middle, c] / d image[u]|

    scaled to the sum 1. Where a plain and a log-polar network are compared, take random networks for what the
    architecture does, and trained ones for what was learned.

    Args:
        model: a functional model of images, one of zoo's or not.
        images: shape (N, H, W, C), raw pixels for models of zoo's.
        layer: name of the layer whose output is the map; None takes the last one with a map that is larger than 1x1.

    Returns:
        float64 (H, W).

    Raises:
        ValueError: no such layer or map, no images, or a gradient that is zero everywhere.

    Example:
        >>> import zoo
        >>> model = zoo.build("lpsc_resnet20_cifar10")
        >>> field = effective_receptive_field(model, np.full((1, 32, 32, 3), 128.0), layer="stem")
        >>> int((field > 0).sum())  # the stem's window
        81

    Source: Luo, Li, Urtasun and Zemel, Understanding the Effective Receptive Field in Deep Convolutional Neural
    Networks, NeurIPS 2016.
    """
    if not isinstance(model, keras.Model):
        raise ValueError(f"Expected a Keras model, as zoo.load(name) gives; got {model!r}.")
    output = _find_map(model, layer)
    part = keras.Model(model.input, output)
    pixels = np.asarray(keras.ops.convert_to_numpy(images), "float32")
    if pixels.ndim != 4 or not len(pixels):
        raise ValueError(f"Expected one or more images (N, H, W, C); got shape {pixels.shape}.")

    def middle(inputs: Any) -> Any:
        outputs = part(inputs, training=False)
        height, width = outputs.shape[1:3]
        return keras.ops.sum(outputs[:, height // 2, width // 2])

    # One image at a time: the sum is over images whose gradients do not meet.
    gradients = [np.abs(input_gradient(middle, pixels[index : index + 1])) for index in range(len(pixels))]
    field = np.mean(np.concatenate(gradients), axis=(0, 3), dtype="float64")
    if not field.sum() > 0:
        raise ValueError(f"The middle of {output.name!r} does not depend on these images: its gradient is zero.")
    return field / field.sum()


def _find_map(model: keras.Model, name: str | None) -> Any:
    if name is not None:
        known = [layer.name for layer in model.layers]
        if name not in known:
            raise ValueError(f"{model.name!r} has no layer {name!r}; it has {', '.join(known)}.")
        candidates = [model.get_layer(name)]
    else:
        candidates = list(reversed(model.layers))
    batch = model.inputs[0].shape[0]  # by which a map differs from a kernel that a layer gives
    for layer in candidates:
        shape: Any = getattr(layer.output, "shape", ())  # a list of outputs has none
        if len(shape) == 4 and shape[0] == batch and None not in shape[1:3] and min(shape[1:3]) > 1:
            return layer.output
    found = f"that of {name!r} has {getattr(candidates[0].output, 'shape', 'several')}" if name else "there is none"
    raise ValueError(
        f"Expected a feature map (batch, height, width, channels) of known size, above 1x1, in {model.name!r}; {found}."
    )


def input_gradient(function: Callable[[Any], Any], inputs: np.ndarray) -> np.ndarray:
    """The gradient of a scalar function of one tensor, on the backend that Keras runs on."""
    compute = {"tensorflow": _on_tensorflow, "jax": _on_jax, "torch": _on_torch}[keras.backend.backend()]
    return keras.ops.convert_to_numpy(compute(function, inputs))


def _on_tensorflow(function: Callable[[Any], Any], inputs: np.ndarray) -> Any:
    import tensorflow as tf

    tensor = tf.convert_to_tensor(inputs)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return tape.gradient(value, tensor)


def _on_jax(function: Callable[[Any], Any], inputs: np.ndarray) -> Any:
    import jax

    return jax.grad(function)(jax.numpy.asarray(inputs))


def _on_torch(function: Callable[[Any], Any], inputs: np.ndarray) -> Any:
    import torch

    tensor = keras.ops.convert_to_tensor(inputs).detach().requires_grad_(True)
    return torch.autograd.grad(function(tensor), tensor)[0]
