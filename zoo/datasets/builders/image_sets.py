"""All image sets but MNIST-rot and Places365 as configurations of one TensorFlow Datasets builder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets import fashion_mnist_mini, image_arrays, sheets
from zoo.datasets.builders.common import SPLITS, Examples, examples, image_info, tfds
from zoo.datasets.facts import CLASS_NAMES, FACTS
from zoo.datasets.preparing import WITH_REPEATED


@dataclasses.dataclass(kw_only=True)
class ImageSetConfig(tfds.core.BuilderConfig):
    """One image set.

    Attributes:
        shape: height, width and channels.
        read: from folder and split to images and labels.
        splits: by their names in the prepared set, those that are read.
    """

    shape: tuple[int, int, int]
    read: Callable[[Path, str], tuple[np.ndarray, np.ndarray]]
    splits: dict[str, str] = dataclasses.field(default_factory=lambda: dict(zip(SPLITS, SPLITS, strict=True)))


def _of_sheets(kind: sheets.Sheets) -> ImageSetConfig:
    def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
        return sheets.read(folder, kind, split)

    config = ImageSetConfig(name=kind.name, shape=(kind.tile, kind.tile, kind.channels), read=read)
    if kind.repeated:
        config.splits[WITH_REPEATED] = "test+repeated"
    return config


def _of_arrays(kind: image_arrays.ImageArrays) -> ImageSetConfig:
    def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
        return image_arrays.read(folder, kind, split)

    return ImageSetConfig(name=kind.name, shape=kind.shape, read=read)


class ZooImageSet(tfds.core.GeneratorBasedBuilder):
    """Splits `train`, `validation` and `test`, as `zoo.datasets.load` cuts them; features `image` and `label`.

    `scene15` also has `test_with_repeated`, which `load` calls `test+repeated`.
    """

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.0.0": "First.", "1.1.0": "scene15 with the test images that are training images too."}
    BUILDER_CONFIGS = [
        ImageSetConfig(name="cifar10", shape=image_arrays.CIFAR10.shape, read=image_arrays.read_cifar10),
        _of_arrays(image_arrays.CIFAR100),
        _of_arrays(image_arrays.FASHION_MNIST),
        _of_sheets(sheets.SCENE15),
        _of_sheets(sheets.SUN16),
        ImageSetConfig(name="fashion_mnist_mini", shape=(28, 28, 1), read=fashion_mnist_mini.read),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = "The manual folder is the one that zoo.datasets.load reads: <data>/<name>."

    def _info(self) -> Any:
        name = self.builder_config.name
        facts, classes = FACTS[name], list(CLASS_NAMES[name])
        return image_info(
            self,
            self.builder_config.shape,
            classes,
            description=facts["note"],
            license=facts["license"],
            citation="",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        folder = Path(dl_manager.manual_dir)
        splits = self.builder_config.splits
        return {name: self._generate_examples(folder, split) for name, split in splits.items()}

    def _generate_examples(self, folder: Path, split: str) -> Examples:
        return examples(*self.builder_config.read(folder, split))
