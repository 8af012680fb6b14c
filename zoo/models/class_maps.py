"""Classifiers that end with global average pooling and one dense layer: where their last feature maps are."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo import _keras
from zoo.math.class_numbers import check_class_numbers

_PASSED = (keras.layers.Dropout, keras.layers.Identity, keras.layers.Flatten)
"""Layers between pooling and head that change nothing at inference."""

_EXPECTED = (
    "Expected a classifier that ends with GlobalAveragePooling2D and one Dense layer without activation, so that its "
    "logits are means of class activation maps"
)


_MAPPED: weakref.WeakKeyDictionary[keras.Model, keras.Model] = weakref.WeakKeyDictionary()
"""Classifiers with their maps: made anew for each call they would be traced and compiled anew, too."""


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
    if not outputs or len(outputs) != 1 or not _keras.is_symbolic(outputs[0]):
        raise ValueError(f"{_EXPECTED}; {_name(model)} is no functional model with one output.")
    head = _keras.maker(outputs[0]).operation
    if not isinstance(head, keras.layers.Dense) or head.activation is not keras.activations.linear:
        hint = ""
        if isinstance(head, (keras.layers.Activation, keras.layers.Softmax, keras.layers.Dense)):
            hint = " Build it for logits: classifier_activation=None in keras.applications, activation=None otherwise."
        raise ValueError(f"{_EXPECTED}; {_name(model)} ends with {_kind(head)}.{hint}")
    tensor = _input_of(outputs[0])
    pool = _keras.maker(tensor).operation
    while isinstance(pool, _PASSED):
        tensor = _input_of(tensor)
        pool = _keras.maker(tensor).operation
    if not isinstance(pool, keras.layers.GlobalAveragePooling2D) or pool.data_format != "channels_last":
        hint = ""
        if isinstance(pool, keras.Model) and len(pool.output_shape) == 2:
            hint = " Its pooling lies within it: build it with include_top=False, without `pooling`, and pool here."
        raise ValueError(f"{_EXPECTED}; before the head of {_name(model)} stands {_kind(pool)}.{hint}")
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
        ValueError: the model has no such head, a size below 1, another number of classes than images, or classes that
            it does not have.
    """
    if batch_size < 1 or top < 1:
        raise ValueError(f"Expected batch_size and top of at least 1; got {batch_size} and {top}.")
    if classes is not None and np.shape(classes) != (len(images),):
        raise ValueError(f"Expected one class for each of {len(images)} images; got shape {np.shape(classes)}.")
    if classes is not None:
        check_class_numbers(np.asarray(classes), model.output_shape[-1], what="classes")
    network = _MAPPED.get(model) or _MAPPED.setdefault(model, with_cam(model))
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size]
        outputs = network.predict_on_batch(_filled(batch, batch_size if len(images) > batch_size else len(images)))
        logits, maps = (keras.ops.convert_to_numpy(outputs[name])[: len(batch)] for name in ("logits", "class_maps"))
        if classes is None:
            chosen = np.argsort(-logits, axis=1, kind="stable")[:, :top]
        else:
            chosen = np.asarray(classes)[start : start + batch_size, None].astype("int64")
        yield batch, logits, np.take_along_axis(maps.astype("float32"), chosen[:, None, None, :], axis=-1)


def find_normalization(model: keras.Model) -> tuple[Any, Any]:
    """Mean and deviation that a model takes out of its images, by all layers that scale or shift them before any other.

    These are followed from the input on, through models inside the model: `Rescaling` and `Normalization`, one after
    the other, and layers that leave colours as they are (dropout, resizing, augmentation).

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
        >>> chain = [keras.layers.Rescaling(1 / 255), keras.layers.Normalization(mean=0.5, variance=0.04)]
        >>> mean, deviation = find_normalization(keras.Sequential([keras.Input((8, 8, 1)), *chain]))
        >>> mean.round(3).tolist(), deviation.round(3).tolist()
        ([127.5], [51.0])
    """
    mean, deviation = np.zeros(()), np.ones(())  # pixels = mean + deviation x what the layers give
    for layer in _first_layers(model):
        if isinstance(layer, keras.layers.Rescaling):
            scale, offset = _flat(layer.scale), _flat(layer.offset)
            shift, factor = -offset / scale, 1 / scale
        elif isinstance(layer, keras.layers.Normalization):
            shift, variance = (_flat(keras.ops.convert_to_numpy(value)) for value in (layer.mean, layer.variance))
            factor = np.maximum(np.sqrt(variance), keras.config.epsilon())
            if layer.invert:
                shift, factor = -shift / factor, 1 / factor
        else:
            continue
        mean, deviation = mean + deviation * shift, deviation * factor
    return mean.astype("float32"), np.abs(deviation).astype("float32")


def _flat(value: Any) -> np.ndarray:
    """A number, or one a channel."""
    array = np.asarray(value, "float64")
    return array.reshape(-1) if array.ndim else array


_SCALING = (keras.layers.Rescaling, keras.layers.Normalization)
_COLOUR_KEEPING = frozenset(
    {
        "CenterCrop",
        "Cropping2D",
        "Dropout",
        "Identity",
        "InputLayer",
        "RandomCrop",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
        "Resizing",
        "SpatialDropout2D",
        "ZeroPadding2D",
    }
)


def _first_layers(model: Any) -> list[Any]:
    """The layers that an image goes through before the first one that does more than scale, shift or move colours."""
    if _keras.functional_of(model) is None:
        return [layer for layer in _keras.sublayers(model) if isinstance(layer, _SCALING)][:1]
    return _chain(model)[0]


def _chain(model: Any) -> tuple[list[Any], bool]:
    """The first layers of a functional model while nothing else takes what they give, and whether these are all."""
    model = _keras.functional_of(model)
    found: list[Any] = []
    calls, tensor = _keras.nodes(model), model.inputs[0]
    while True:
        following = [call for call in calls if any(given is tensor for given in call.inputs)]
        if len(following) != 1:
            return found, not following and any(tensor is output for output in model.outputs)
        layer, tensor = following[0].operation, following[0].outputs[0]
        if _keras.functional_of(layer) is not None:
            inside, all_of_it = _chain(layer)
            found += inside
            if not all_of_it:
                return found, False
        elif isinstance(layer, _SCALING) or type(layer).__name__ in _COLOUR_KEEPING:
            found.append(layer)
        else:
            return found, False


def _filled(batch: np.ndarray, size: int) -> np.ndarray:
    """The batch with zeros behind it: one of another length would be traced and compiled once more."""
    return np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), batch.dtype)])


def _input_of(tensor: Any) -> Any:
    return _keras.maker(tensor).inputs[0]


def _name(model: Any) -> str:
    return repr(getattr(model, "name", type(model).__name__))


def _kind(operation: Any) -> str:
    return f"the {type(operation).__name__} layer {operation.name!r}"
