"""What the builders share: the check that TensorFlow Datasets is there, and how they describe images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

try:
    import importlib_resources  # noqa: F401  tensorflow-datasets 4.9 uses it without requiring it; zoo[data] does
    import tensorflow_datasets as tfds
except ImportError as error:
    raise ImportError('The TFDS builders need tensorflow-datasets. Install it with: pip install "zoo[data]"') from error

SPLITS = ("train", "validation", "test")
Examples = Iterator[tuple[int, dict[str, Any]]]


@dataclasses.dataclass(kw_only=True)
class FolderConfig(tfds.core.BuilderConfig):
    """Where the images are, and the size to make of them.

    Attributes:
        path: a folder with a sub-folder a class, or with `train`, `validation` and `test` that have such; of
            Places365 the version's folder of TensorFlow Datasets, with `dataset_info.json`.
        size: height and width that every image is cut to.
        grayscale: one channel instead of three.
    """

    path: str
    size: tuple[int, int]
    grayscale: bool = False


def image_info(
    builder: Any, shape: tuple[int, int, int], classes: list[str], *, description: str, license: str, citation: str
) -> Any:
    """The `DatasetInfo` of labelled images, kept in the order in which they are read.

    Args:
        builder: the builder that asks.
        shape: height, width and channels.
        classes: their names.
        description: a sentence or two.
        license: of the data.
        citation: in BibTeX, or empty.

    Returns:
        The info, with the features `image` and `label`.
    """
    features = {
        # Tensor and not Image: encoding an Image needs TensorFlow. As bytes, or each pixel would be stored as a number.
        "image": tfds.features.Tensor(shape=shape, dtype=np.uint8, encoding=tfds.features.Encoding.BYTES),
        "label": tfds.features.ClassLabel(names=classes),
    }
    return tfds.core.DatasetInfo(
        builder=builder,
        description=description,
        features=tfds.features.FeaturesDict(features),
        supervised_keys=("image", "label"),
        disable_shuffling=True,
        license=license,
        citation=citation,
    )


def examples(images: np.ndarray, labels: np.ndarray) -> Examples:
    """Numbered examples of `image` and `label`."""
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield index, {"image": image, "label": int(label)}
