"""Places365 at a size of one's choice, made from the set `places365_small` of TensorFlow Datasets."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Any

from zoo.datasets.builders.common import Examples, image_info, tfds
from zoo.datasets.facts import FACTS
from zoo.datasets.folders import fit_pixels

SOURCE = "places365_small"
SPLITS = {"train": "train[:98%]", "validation": "train[98%:]", "test": "validation"}
"""Ours by those of TensorFlow Datasets; the authors' own test images have no public labels."""


class ZooPlaces365(tfds.core.GeneratorBasedBuilder):
    """Places365-Standard; features `image` and `label`. Reading the source takes TensorFlow."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        config, facts = self.builder_config, FACTS["places365"]
        classes = tfds.builder_from_directory(config.path).info.features["label"].names
        shape = (*config.size, 1 if config.grayscale else 3)
        return image_info(self, shape, classes, description=facts["note"], license=facts["license"], citation="")

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        return {split: self._generate_examples(theirs) for split, theirs in SPLITS.items()}

    def _generate_examples(self, split: str) -> Examples:
        config = self.builder_config
        source = tfds.builder_from_directory(config.path).as_dataset(split=split, shuffle_files=False)
        for index, example in enumerate(tfds.as_numpy(source)):
            pixels = fit_pixels(example["image"], config.size, 1 if config.grayscale else 3)
            yield index, {"image": pixels, "label": int(example["label"])}


def find_source(data: Path) -> Path:
    """The newest version of the source under a folder of TensorFlow Datasets, which downloads it if it is not there.

    Raises:
        ConnectionError: it cannot be downloaded; says how to get it.
    """
    found = sorted(data.glob(f"{SOURCE}/*/dataset_info.json"))
    if found:
        return found[-1].parent
    print(f"zoo: TensorFlow Datasets gets {SOURCE}, about 30 GB, into {data}", file=sys.stderr)
    try:
        builder = tfds.builder(SOURCE, data_dir=data)
        with contextlib.redirect_stdout(sys.stderr):  # the standard output belongs to the result
            builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    except Exception as error:  # of requests, of urllib, of the sockets, and TFDS's own about checksums
        raise ConnectionError(
            f"No {SOURCE} in {data}, and it cannot be downloaded: {error}\nWhere there is a network, run: tfds build "
            f"{SOURCE} --data_dir DATA, and copy DATA/{SOURCE} to {data / SOURCE}"
        ) from error
    return Path(builder.data_dir)
