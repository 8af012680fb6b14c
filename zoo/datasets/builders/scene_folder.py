"""Folders of the layout `<class>/<image>` as a TensorFlow Datasets builder; needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.datasets.builders.common import Examples, examples, image_info, tfds
from zoo.datasets.folders import find_splits, list_folder, load_folder


class SceneFolder(tfds.core.GeneratorBasedBuilder):
    """Images of any size in class folders, cut to one size; features `image` and `label`.

    Make one with `SceneFolder(config=FolderConfig(name="my_scenes", path=..., size=(96, 96)))`.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        config = self.builder_config
        classes = list(list_folder(find_splits(config.path)["train"]))
        return image_info(
            self,
            (*config.size, 1 if config.grayscale else 3),
            classes,
            description=f"Images of {len(classes)} classes from a folder of theirs, the centre of each.",
            license="that of the images",
            citation="",
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        return {
            split: self._generate_examples(folder) for split, folder in find_splits(self.builder_config.path).items()
        }

    def _generate_examples(self, folder: Path) -> Examples:
        config = self.builder_config
        images, labels, names = load_folder(folder, size=config.size, grayscale=config.grayscale)
        expected = self.info.features["label"].names
        if names != expected:
            raise ValueError(f"Expected the classes of the training images in {folder}, {expected}; got {names}.")
        return examples(images, labels)
