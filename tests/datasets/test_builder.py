from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

import zoo.datasets

pytestmark = pytest.mark.once


def test_prepares_and_reads_back(tiny_root, tmp_path):
    tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")
    pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")
    module = importlib.import_module("zoo.datasets.builders.mnist_rot")
    builder = module.MnistRot(data_dir=tmp_path / "tfds", file_format="array_record")
    config = tfds.download.DownloadConfig(manual_dir=tiny_root / "mnist_rot")
    builder.download_and_prepare(download_config=config)
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {
        "train": 20,
        "validation": 4,
        "test": 10,
    }
    images, labels = zoo.datasets.load("mnist_rot", "test", data=tiny_root)
    source = builder.as_data_source(split="test")
    assert source[0]["image"].shape == (28, 28, 1) and source[0]["image"].dtype == np.uint8
    np.testing.assert_array_equal([item["image"] for item in source], images)
    np.testing.assert_array_equal([item["label"] for item in source], labels)


@pytest.mark.parametrize("package", ["tensorflow_datasets", "importlib_resources"])
def test_absent_package_is_named(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("common", "mnist_rot"):
        monkeypatch.delitem(sys.modules, f"zoo.datasets.builders.{name}", raising=False)
    with pytest.raises(ImportError, match=r'pip install "zoo\[data\]"'):
        importlib.import_module("zoo.datasets.builders.mnist_rot")
