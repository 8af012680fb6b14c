"""`mnist_rot` as a TensorFlow Datasets builder, made from local files; needs no TensorFlow.

Example:
    >>> import tensorflow_datasets as tfds  # doctest: +SKIP
    >>> import zoo.datasets.builders.mnist_rot  # doctest: +SKIP
    >>> builder = tfds.builder("mnist_rot", file_format="array_record")  # doctest: +SKIP
    >>> config = tfds.download.DownloadConfig(manual_dir="data/mnist_rot")  # doctest: +SKIP
    >>> builder.download_and_prepare(download_config=config)  # doctest: +SKIP
    >>> source = builder.as_data_source(split="train")  # doctest: +SKIP
    >>> source[0]["image"].shape  # doctest: +SKIP
    (28, 28, 1)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets import mnist_rot

try:
    import importlib_resources  # noqa: F401  tensorflow-datasets 4.9 uses it without requiring it; zoo[data] does
    import tensorflow_datasets as tfds
except ImportError as error:
    raise ImportError('The TFDS builders need tensorflow-datasets. Install it with: pip install "zoo[data]"') from error

_DESCRIPTION = """\
Rotated MNIST: 12,000 training and 50,000 test digits of 28x28 grey pixels, each turned by a random angle. Made from
the classic files of 2007 or from the set regenerated from MNIST, whichever lies in the manual folder.
"""
_CITATION = """\
@inproceedings{larochelle2007empirical,
  title = {An empirical evaluation of deep architectures on problems with many factors of variation},
  author = {Larochelle, Hugo and Erhan, Dumitru and Courville, Aaron and Bergstra, James and Bengio, Yoshua},
  booktitle = {International Conference on Machine Learning},
  year = {2007}
}
"""


class MnistRot(tfds.core.GeneratorBasedBuilder):
    """Splits `train` (10,000), `validation` (2,000) and `test` (50,000); features `image` and `label`."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {mnist_rot.NPZ} (made from MNIST by zoo.datasets.mnist_rot.regenerate) into the manual folder, or the "
        f"classic files {mnist_rot.CLASSIC_TRAIN} and {mnist_rot.CLASSIC_TEST}."
    )

    def _info(self) -> Any:
        # Tensor and not Image: encoding an Image needs TensorFlow.
        features = {
            "image": tfds.features.Tensor(shape=(28, 28, 1), dtype=np.uint8),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
            license="Derived from MNIST (Yann LeCun and Corinna Cortes), CC BY-SA 3.0",
            citation=_CITATION,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict[str, Any]]]]:
        folder = Path(dl_manager.manual_dir)
        return {split: self._generate_examples(folder, split) for split in ("train", "validation", "test")}

    def _generate_examples(self, folder: Path, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
        images, labels = mnist_rot.read(folder, split)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield index, {"image": image, "label": int(label)}
