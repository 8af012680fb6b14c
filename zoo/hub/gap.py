"""Classifiers that end with global average pooling and one dense layer: where their last feature maps are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

_PASSED = (keras.layers.Dropout, keras.layers.Identity, keras.layers.Flatten)
"""Layers between pooling and head that change nothing at inference."""

_EXPECTED = (
    "Expected a classifier that ends with GlobalAveragePooling2D and one Dense layer without activation, so that its "
    "logits are means of class activation maps"
)


@dataclass(frozen=True)
class GapHead:
    """The end of a classifier.

    Attributes:
        features: symbolic maps that are averaged, (B, h, w, K).
        head: the dense layer that gives the logits.
    """

    features: Any
    head: keras.layers.Dense


def find_gap_head(model: keras.Model) -> GapHead:
    """The last feature maps and the head of a classifier on globally averaged features.

    Args:
        model: a functional model, of zoo, of `keras.applications`, of KerasHub or of one's own; the layers before the
            pooling may be of any kind, and a dropout may stand between pooling and head.

    Returns:
        Both of them.

    Raises:
        ValueError: the model is built in another way; says what was found in the place.

    Example:
        >>> import zoo
        >>> find_gap_head(zoo.build("scene_resnet18_narrow_scene15")).features.shape
        (None, 8, 8, 128)
    """
    outputs = getattr(model, "outputs", None)
    if not outputs or len(outputs) != 1 or not hasattr(outputs[0], "_keras_history"):
        raise ValueError(f"{_EXPECTED}; {_name(model)} is no functional model with one output.")
    head = outputs[0]._keras_history.operation
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.linear:
        hint = ""
        if isinstance(head, (keras.layers.Activation, keras.layers.Softmax, keras.layers.Dense)):
            hint = " Build it for logits: classifier_activation=None in keras.applications, activation=None otherwise."
        raise ValueError(f"{_EXPECTED}; {_name(model)} ends with {_kind(head)}.{hint}")
    tensor = _input_of(outputs[0])
    pool = tensor._keras_history.operation
    while isinstance(pool, _PASSED):
        tensor = _input_of(tensor)
        pool = tensor._keras_history.operation
    if not isinstance(pool, keras.layers.GlobalAveragePooling2D) or pool.data_format != "channels_last":
        raise ValueError(f"{_EXPECTED}; before the head of {_name(model)} stands {_kind(pool)}.")
    return GapHead(_input_of(tensor), head)


def with_cam(model: keras.Model) -> keras.Model:
    """The classifier with two outputs: its logits and the class activation maps of all classes.

    The maps are what the head makes of every position of the last feature maps, without its bias: a 1x1 convolution
    with the head's kernel. Plain operations on the model's own variables, for `zoo.export`, SavedModel, ONNX and
    LiteRT alike.

    Args:
        model: a classifier as `find_gap_head` takes it.

    Returns:
        A functional model with the outputs `logits` (B, C) and `class_maps` (B, h, w, C); the mean of a map and the
        bias of its class are the logit.

    Raises:
        ValueError: the model has no head on globally averaged features.

    Example:
        >>> import zoo
        >>> model = zoo.visual.with_cam(zoo.build("scene_resnet18_narrow_scene15"))
        >>> model.output["class_maps"].shape
        (None, 8, 8, 15)
    """
    end, logits = find_gap_head(model), model.outputs[0]
    classes = logits.shape[-1]
    pooled = keras.layers.GlobalAveragePooling2D(data_format="channels_last", name="cam_pool")(end.features)
    bias = end.head(keras.ops.zeros_like(pooled))  # what the head gives for nothing
    bias = keras.layers.Reshape((1, 1, classes), name="cam_bias")(bias)
    maps = keras.ops.subtract(end.head(end.features), bias)
    outputs = {"logits": logits, "class_maps": keras.layers.Identity(name="class_maps")(maps)}
    return keras.Model(model.inputs[0], outputs, name=f"{model.name}_with_cam")


def class_map_batches(
    model: keras.Model, images: np.ndarray, *, classes: Any = None, top: int = 1, batch_size: int = 64
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Images, batch by batch, with their logits and class activation maps.

    Args:
        model: a classifier as `find_gap_head` takes it.
        images: raw images, (N, H, W, C).
        classes: whose maps, integers (N,); None for the `top` most probable ones.
        top: their number.
        batch_size: images a step.

    Yields:
        Images, logits (B, C) and maps (B, h, w, k), float32; the last batch may be smaller.

    Raises:
        ValueError: the model has no such head, a size below 1, or another number of classes than images.
    """
    if batch_size < 1 or top < 1:
        raise ValueError(f"Expected batch_size and top of at least 1; got {batch_size} and {top}.")
    if classes is not None and np.shape(classes) != (len(images),):
        raise ValueError(f"Expected one class for each of {len(images)} images; got shape {np.shape(classes)}.")
    network = with_cam(model)
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        outputs = network.predict_on_batch(_filled(batch, batch_size if len(images) > batch_size else len(images)))
        logits, maps = (keras.ops.convert_to_numpy(outputs[name])[: len(batch)] for name in ("logits", "class_maps"))
        if classes is None:
            chosen = np.argsort(-logits, axis=1, kind="stable")[:, :top]
        else:
            chosen = np.asarray(classes)[start : start + batch_size, None]
        yield batch, logits, np.take_along_axis(maps.astype("float32"), chosen[:, None, None, :], axis=-1)


def find_normalization(model: keras.Model) -> tuple[Any, Any]:
    """Mean and deviation that a model takes out of its images: from its first layer that scales or normalises.

    Args:
        model: a functional model.

    Returns:
        Both as float32, a number or one a channel; 0 and 1 where the model has no such layer, as it then takes
        normalised images.

    Example:
        >>> import zoo
        >>> mean, _ = find_normalization(zoo.build("scene_resnet18_narrow_sun16"))
        >>> mean.round().tolist()
        [125.0, 119.0, 109.0]
    """
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, keras.layers.Rescaling):
            scale, offset = np.asarray(layer.scale, "float64"), np.asarray(layer.offset, "float64")
            return (-offset / scale).astype("float32"), np.abs(1 / scale).astype("float32")
        if isinstance(layer, keras.layers.Normalization):
            mean, variance = (keras.ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
            return mean.reshape(-1), np.sqrt(variance).reshape(-1)
    return np.float32(0.0), np.float32(1.0)


def _filled(batch: np.ndarray, size: int) -> np.ndarray:
    """The batch with zeros behind it: one of another length would be traced and compiled once more."""
    return np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), batch.dtype)])


def _input_of(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index].input_tensors[0]


def _name(model: Any) -> str:
    return repr(getattr(model, "name", type(model).__name__))


def _kind(operation: Any) -> str:
    return f"the {type(operation).__name__} layer {operation.name!r}"
