"""Means and standard deviations of the pixels that networks are trained on, by which they normalise."""

from __future__ import annotations

from typing import NamedTuple


class Pixels(NamedTuple):
    """Of the pixels of a training set, 0 to 255.

    Attributes:
        mean: of each channel.
        std: standard deviation of each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]


CIFAR10 = Pixels((125.3, 123.0, 113.9), (63.0, 62.1, 66.7))
CIFAR10_WITHIN_IMAGES = Pixels((125.307, 122.961, 113.8575), (51.5865, 50.847, 51.255))
"""The same means less rounded; the deviations are means over the images of each image's own. Much code has these."""
CIFAR100 = Pixels((129.3, 124.2, 112.5), (68.1, 65.4, 70.4))
IMAGENET = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
EFFICIENTNET_LITE = Pixels((127.0,) * 3, (128.0,) * 3)
"""Numbers of the network rather than of a data set."""
SCENE15 = Pixels((117.0,), (63.0,))
SUN16 = Pixels((125.0, 119.0, 109.0), (64.0, 62.0, 68.0))
