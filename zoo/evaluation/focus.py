"""How much of an image a classifier uses: focus area, and accuracy without the area it uses most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from zoo import hub
from zoo.evaluation.inputs import image_batch, model_shape
from zoo.evaluation.prediction import logits_of
from zoo.hub.targets import check_labels
from zoo.hub.tasks import answers
from zoo.losses import ErasePolicy, check_threshold, high_areas, normalize_maps, resize_maps
from zoo.models.class_maps import class_map_batches, find_normalization

THRESHOLDS = (0.2, 0.3, 0.5)
"""Thresholds of the focus areas that are reported; what is erased is the area at 0.5."""

_GRIDS, _ORDERS = ("image", "native"), ("normalize_first", "resize_first")


@dataclass(frozen=True, kw_only=True)
class FocusArea:
    """Focus areas of some images, fractions of the image in [0, 1].

    Attributes:
        areas: by threshold, one number an image: the part of the pixels whose normalised map reaches it.
        mean_map: one number an image: the mean of the normalised map, which is the mean of the area over all thresholds
            from 0 to 1, and so needs none.
    """

    areas: dict[float, np.ndarray]
    mean_map: np.ndarray

    def means(self) -> dict[str, float]:
        """The means over the images, by name: `focus_area` without a threshold, `focus_area_20` at 0.2, ..."""
        at = {f"focus_area_{round(100 * threshold)}": float(values.mean()) for threshold, values in self.areas.items()}
        return {"focus_area": float(self.mean_map.mean())} | at


def focus_area(
    model: keras.Model,
    images: Any,
    *,
    classes: Any = None,
    top: int = 1,
    thresholds: Sequence[float] = THRESHOLDS,
    normalization: str = "relumax",
    grid: str = "image",
    order: str = "normalize_first",
    batch_size: int = 64,
) -> FocusArea:
    """The part of each image in which the class activation map is high.

    Our reading of a word in an abstract, not the paper's measure: the numbers depend on every argument here, so say
    them with each number. An image of one colour has the area 0: all that a map can show of it is the network's
    padding.

    Args:
        model: a classifier that ends with global average pooling and a dense layer.
        images: raw images, (N, H, W, C), or a list of image files.
        classes: whose maps, integers (N,); None for the classes that the model predicts.
        top: where `classes` is None, unite the areas of so many most probable classes.
        thresholds: in [0, 1].
        normalization: `"relumax"`, `"minmax"` or `"none"` (see `zoo.losses.NORMALIZATIONS`); without one the thresholds
            are logits.
        grid: `"image"`: the map at the size of the image; `"native"`: as the network gives it.
        order: on the grid of the image, `"normalize_first"` and then resize, or `"resize_first"`.
        batch_size: images a step.

    Returns:
        The areas of every image.

    Raises:
        ValueError: no such head, images that do not fit, thresholds outside of [0, 1], or unknown words.

    Example:
        >>> import zoo
        >>> model = zoo.build("scene_resnet18_narrow_scene15")
        >>> images = np.random.default_rng(0).integers(0, 255, (2, 128, 128, 1), dtype=np.uint8)
        >>> sorted(zoo.evaluation.focus_area(model, images).means())
        ['focus_area', 'focus_area_20', 'focus_area_30', 'focus_area_50']
    """
    for name, value, choices in (("grid", grid, _GRIDS), ("order", order, _ORDERS)):
        if value not in choices:
            raise ValueError(f"Expected {name} to be one of {choices}; got {value!r}.")
    levels = [check_threshold(threshold) for threshold in thresholds]
    areas: dict[float, list[np.ndarray]] = {level: [] for level in levels}
    means: list[np.ndarray] = []
    images = _pixels(model, images)
    for batch, _, maps in class_map_batches(model, images, classes=classes, top=top, batch_size=batch_size):
        shape = batch.shape[1:3] if grid == "image" else None
        values = [_scaled(maps[..., index], shape, normalization, order) for index in range(maps.shape[-1])]
        some = (np.ptp(batch.reshape(len(batch), -1, batch.shape[-1]), axis=1) > 0).any(axis=1)
        for level in levels:
            high = np.any([keras.ops.convert_to_numpy(high_areas(value, level)) for value in values], axis=0)
            areas[level].append(high.mean((1, 2)) * some)
        means.append(np.max([keras.ops.convert_to_numpy(value) for value in values], axis=0).mean((1, 2)) * some)
    return FocusArea(
        areas={level: np.concatenate(parts) for level, parts in areas.items()}, mean_map=np.concatenate(means)
    )


def erased_accuracy(
    model: keras.Model,
    images: Any,
    labels: np.ndarray,
    *,
    policy: ErasePolicy | None = None,
    batch_size: int = 64,
    seed: int = 0,
) -> float:
    """Accuracy on images without the area that the classifier uses most: what it sees besides.

    Args:
        model: as in `focus_area`.
        images: raw images, (N, H, W, C), or a list of image files.
        labels: integers (N,).
        policy: what is erased and how; by default the area of the predicted class at 0.5 becomes the data set's mean
            colour.
        batch_size: images a step.
        seed: of a random policy.

    Returns:
        The part of right answers, 0 to 1.

    Raises:
        ValueError: no such head, images that do not fit, or a policy that erases features or in several rounds.

    Example:
        >>> import zoo
        >>> model = zoo.build("scene_resnet18_narrow_scene15")
        >>> images = np.random.default_rng(0).integers(0, 255, (4, 128, 128, 1), dtype=np.uint8)
        >>> 0 <= zoo.evaluation.erased_accuracy(model, images, np.arange(4)) <= 1
        True
    """
    policy = policy or ErasePolicy(cam_class="predicted")
    if policy.level != "image" or policy.rounds != 1:
        raise ValueError(f"Expected a policy that erases images in one round; got {policy}.")
    labels = np.asarray(labels)
    check_labels(labels, model.output_shape[-1], yes_or_no=model.output_shape[-1] == 1)
    classes = labels if policy.cam_class == "label" and model.output_shape[-1] > 1 else None
    top = policy.top if policy.cam_class == "top" else 1
    mean, std = find_normalization(model)
    random, right, done = keras.random.SeedGenerator(seed), 0, 0
    images = _pixels(model, images)
    for batch, _, maps in class_map_batches(model, images, classes=classes, top=top, batch_size=batch_size):
        areas = policy.choose(policy.areas(maps, batch.shape[1:3], seed=random), seed=random)
        erased = policy.erase(batch.astype("float32"), areas, mean=mean, std=std, seed=random)
        size = min(batch_size, len(images))
        filled = np.pad(keras.ops.convert_to_numpy(erased), [(0, size - len(batch)), *[(0, 0)] * 3])
        logits = logits_of(model, filled, size)[: len(batch)]
        right += int((answers("image-classification", logits) == labels[done : done + len(batch)]).sum())
        done += len(batch)
    return right / len(labels)


def _pixels(model: keras.Model, images: Any) -> np.ndarray:
    """Checked images; those of a model that is not zoo's may be normalised, and are taken as they are."""
    return image_batch(images, model_shape(model)) if hub.find_origin(model) else np.asarray(images)


def _scaled(maps: np.ndarray, shape: tuple[int, int] | None, normalization: str, order: str) -> Any:
    if shape is None:
        return normalize_maps(maps, normalization)
    if order == "normalize_first":
        return resize_maps(normalize_maps(maps, normalization), shape)
    return normalize_maps(resize_maps(maps, shape), normalization)
