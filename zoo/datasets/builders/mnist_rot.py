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

from pathlib import Path
from typing import Any

from zoo.datasets import mnist_rot
from zoo.datasets.builders.common import SPLITS, Examples, examples, image_info, tfds

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

    VERSION = tfds.core.Version("1.1.0")
    RELEASE_NOTES = {"1.0.0": "First.", "1.1.0": "In the order of the files; images stored as bytes."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        f"Put {mnist_rot.NPZ} (made from MNIST by zoo.datasets.mnist_rot.regenerate) into the manual folder, or the "
        f"classic files {mnist_rot.CLASSIC_TRAIN} and {mnist_rot.CLASSIC_TEST}."
    )

    def _info(self) -> Any:
        return image_info(
            self,
            (28, 28, 1),
            list("0123456789"),
            description=_DESCRIPTION,
            license="Derived from MNIST (Yann LeCun and Corinna Cortes), CC BY-SA 3.0",
            citation=_CITATION,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        folder = Path(dl_manager.manual_dir)
        return {split: self._generate_examples(folder, split) for split in SPLITS}

    def _generate_examples(self, folder: Path, split: str) -> Examples:
        return examples(*mnist_rot.read(folder, split))
