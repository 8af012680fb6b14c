"""What to erase from an image: the area that a class activation map marks, and what comes into its place."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from zoo.losses._common import widened
from zoo.losses.maps import NORMALIZATIONS, check_threshold, high_areas, normalize_maps, resize_maps
from zoo.math.values import Tensor, check_choice, check_whole

CHOICES = {
    "level": ("image", "feature"),
    "cam_class": ("label", "predicted", "top"),
    "normalization": NORMALIZATIONS,
    "fill": ("mean", "image_mean", "batch_mean", "noise", "constant"),
}
"""The words that fields of a policy may hold."""


@dataclass(frozen=True, kw_only=True)
class ErasePolicy:
    """How the area that a network already uses is erased.

    The paper's body is not known to us: every choice here is our reading of its abstract, and none is the paper's.
    Masks are binary and made under a stopped gradient; no gradient could pass through them.

    Args:
        level: `"image"` erases pixels; `"feature"` erases positions of the last feature maps, which saves the second
            pass through the network and is another method.
        threshold: what reaches it in the normalised map is erased.
        cam_class: whose map marks the area: the `"label"`'s, that of the class `"predicted"`, or the areas of the `top`
            most probable classes together (`"top"`).
        top: number of classes of `cam_class="top"`.
        normalization: of the maps, one of `zoo.losses.NORMALIZATIONS`; before they are resized.
        fill: what comes into the place: the data set's `"mean"` colour (that is 0 after the network's normalisation),
            the image's or the batch's mean colour, `"noise"` with the data set's mean and deviation, or a `"constant"`.
        constant: pixel value of `fill="constant"`, as the network takes it.
        dilate: grow the area by so many pixels on every side.
        random_threshold: draw each image's threshold uniformly between these two instead.
        probability: erase from this share of the images only.
        shuffle: erase each image by the mask of its neighbour in the batch: the same sizes in wrong places.
        rounds: find and erase so often, each time by the map of the image erased so far.

    Raises:
        ValueError: a word or number that cannot be meant, such as a threshold outside of [0, 1].

    Example:
        >>> import numpy as np
        >>> policy = ErasePolicy(threshold=0.5)
        >>> maps = np.zeros((1, 2, 2), "float32")
        >>> maps[0, 0, 0] = 1.0
        >>> int(ops.convert_to_numpy(policy.areas(maps, (4, 4))).sum())
        4
    """

    level: str = "image"
    threshold: float = 0.5
    cam_class: str = "label"
    top: int = 5
    normalization: str = "relumax"
    fill: str = "mean"
    constant: float = 0.0
    dilate: int = 0
    random_threshold: tuple[float, float] | None = None
    probability: float = 1.0
    shuffle: bool = False
    rounds: int = 1

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        check_threshold(self.threshold)
        if self.random_threshold is not None:
            low, high = (check_threshold(value, "random_threshold") for value in self.random_threshold)
            if low > high:
                raise ValueError(f"Expected the bounds of random_threshold to rise; got {self.random_threshold}.")
            object.__setattr__(self, "random_threshold", (low, high))  # JSON has lists only
        check_threshold(self.probability, "probability")
        for name, least in (("top", 1), ("rounds", 1), ("dilate", 0)):
            object.__setattr__(self, name, check_whole(name, getattr(self, name), least))
        if self.level == "feature" and self.rounds > 1:
            raise ValueError("Expected rounds=1 with level='feature': the map of erased features is the map, erased.")

    @property
    def is_random(self) -> bool:
        """Whether two calls with the same arguments may erase differently."""
        return self.random_threshold is not None or self.probability < 1 or self.fill == "noise"

    def areas(self, maps: Tensor, size: Sequence[int], *, seed: Any = None) -> Tensor:
        """The areas to erase.

        Args:
            maps: class activation maps, (B, h, w), or of several classes, (B, h, w, k), whose areas are united.
            size: height and width of the masks.
            seed: a `keras.random.SeedGenerator` or a number, for a random threshold.

        Returns:
            Booleans of shape (B, height, width).
        """
        if len(maps.shape) == 4:
            found = [self.areas(maps[..., index], size, seed=seed) for index in range(maps.shape[-1])]
            return ops.any(ops.stack(found), axis=0)
        maps = ops.stop_gradient(ops.convert_to_tensor(maps))
        maps = resize_maps(normalize_maps(maps, self.normalization), size)
        threshold: Any = self.threshold
        if self.random_threshold is not None:
            threshold = keras.random.uniform((ops.shape(maps)[0], 1, 1), *self.random_threshold, seed=seed)
        areas = high_areas(maps, threshold)
        return _dilate(areas, self.dilate) if self.dilate else areas

    def choose(self, areas: Tensor, *, seed: Any = None) -> Tensor:
        """The areas, moved to the neighbour (`shuffle`), and none for the images that are spared (`probability`)."""
        if self.shuffle:
            areas = ops.roll(areas, 1, axis=0)
        if self.probability < 1:
            drawn = keras.random.uniform((ops.shape(areas)[0], 1, 1), seed=seed)
            areas = ops.logical_and(areas, drawn < self.probability)
        return areas

    def erase(
        self, images: Tensor, areas: Tensor, *, mean: Tensor = 0.0, std: Tensor = 1.0, seed: Any = None
    ) -> Tensor:
        """Images without the areas; of `level="feature"` feature maps, whose erased positions become 0.

        Args:
            images: (B, H, W, C), as the network takes them.
            areas: booleans of shape (B, H, W).
            mean: the data set's mean colour in the same units, a number or one a channel.
            std: its deviation, for `fill="noise"`.
            seed: a `keras.random.SeedGenerator` or a number, for noise.

        Returns:
            A tensor like `images`, with floating-point values.
        """
        images = ops.convert_to_tensor(images)
        if not keras.backend.is_float_dtype(images.dtype):
            images = ops.cast(images, "float32")
        fill = self._fill(images, mean, std, seed)
        return ops.where(ops.expand_dims(areas, -1), ops.cast(fill, images.dtype), images)

    def _fill(self, images: Tensor, mean: Tensor, std: Tensor, seed: Any) -> Tensor:
        if self.level == "feature":
            return 0.0
        if self.fill == "constant":
            return self.constant
        if self.fill in ("image_mean", "batch_mean"):
            axes = (1, 2) if self.fill == "image_mean" else (0, 1, 2)
            return ops.mean(widened(images), axis=axes, keepdims=True)
        mean = widened(mean)
        if self.fill == "mean":
            return mean
        return mean + widened(std) * keras.random.normal(ops.shape(images), dtype="float32", seed=seed)

    def get_config(self) -> dict[str, Any]:
        """Arguments that make the same policy again."""
        return dataclasses.asdict(self)


def _dilate(areas: Tensor, reach: int) -> Tensor:
    values = ops.expand_dims(ops.cast(areas, "float32"), -1)
    grown = ops.max_pool(values, 2 * reach + 1, 1, padding="same", data_format="channels_last")
    return ops.squeeze(grown, axis=-1) > 0.5
