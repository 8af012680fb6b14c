"""Fields that the configurations of networks of images have in common."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """A network of images.

    Attributes:
        name: name of the Keras model.
        input_shape: (height, width, channels) of raw images with values 0 to 255; None leaves a side open.
        num_classes: logits.
        include_head: end with the classifier, else with the features that feed it.
    """

    name: str
    input_shape: tuple[int | None, int | None, int]
    num_classes: int
    include_head: bool = True


@dataclass(frozen=True, kw_only=True)
class NormalizedImageConfig(ImageConfig):
    """A network that normalises its images by the means and deviations of a training set, see `zoo.models.pixels`.

    Attributes:
        mean: of the training pixels, a channel, 0 to 255.
        std: of the training pixels, a channel, 0 to 255.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
