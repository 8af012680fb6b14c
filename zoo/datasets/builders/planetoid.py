"""Cora, Citeseer and Pubmed as configurations of one TensorFlow Datasets builder; needs no TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets import planetoid
from zoo.datasets.builders.common import Examples, tfds
from zoo.datasets.facts import FACTS

_CITATION = """\
@inproceedings{yang2016revisiting,
  title = {Revisiting semi-supervised learning with graph embeddings},
  author = {Yang, Zhilin and Cohen, William and Salakhutdinov, Ruslan},
  booktitle = {International Conference on Machine Learning},
  year = {2016}
}
"""


class ZooPlanetoid(tfds.core.GeneratorBasedBuilder):
    """The one split `graph` with one example: the whole graph, and a mask for each part of the public split."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in planetoid.NAMES]
    MANUAL_DOWNLOAD_INSTRUCTIONS = "The manual folder holds <name>.npz or the raw Planetoid files."

    def _info(self) -> Any:
        def packed(shape: tuple[int | None, ...], dtype: type) -> Any:
            return tfds.features.Tensor(shape=shape, dtype=dtype, encoding=tfds.features.Encoding.ZLIB)

        features = {
            "features": packed((None, None), np.float32),
            "edges": packed((None, 2), np.int32),
            "labels": packed((None,), np.int64),
        }
        features |= {part: packed((None,), np.uint8) for part in planetoid.PUBLIC_SPLITS}
        facts = FACTS[self.builder_config.name]
        return tfds.core.DatasetInfo(
            builder=self,
            description=facts["note"],
            features=tfds.features.FeaturesDict(features),
            license=facts["license"],
            citation=_CITATION,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Examples]:
        return {"graph": self._generate_examples(Path(dl_manager.manual_dir))}

    def _generate_examples(self, folder: Path) -> Examples:
        name = self.builder_config.name
        graph = planetoid.read_graph(folder, name)
        stored: dict[str, Any] = {
            "features": planetoid.require_features(graph, folder, name),
            "edges": graph.edges,
            "labels": graph.labels,
        }
        yield 0, stored | {part: mask.astype(np.uint8) for part, mask in graph.masks.items()}
