"""Places365 from a set of TensorFlow Datasets of the same name and features, with a few made-up images."""

from __future__ import annotations

import numpy as np
import pytest

import zoo.datasets
from zoo._labels import PLACES365
from zoo.datasets.folders import fit_pixels

pytestmark = pytest.mark.once


COUNTS = {"train": 100, "validation": 6}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """What `tfds build places365_small` leaves behind."""
    tfds = pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed (zoo[data])")
    pytest.importorskip("importlib_resources", reason="importlib_resources is not installed (zoo[data])")
    rng = np.random.default_rng(0)
    splits = {
        split: [
            (
                index,
                {"image": rng.integers(0, 256, (16, 20, 3), dtype=np.uint8), "label": index, "filename": f"{index}"},
            )
            for index in range(count)
        ]
        for split, count in COUNTS.items()
    }
    root = tmp_path_factory.mktemp("tfds")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="places365_small",
        version="2.1.0",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(16, 20, 3), encoding_format="png"),
                "label": tfds.features.ClassLabel(names=list(PLACES365)),
                "filename": tfds.features.Text(),
            }
        ),
        split_datasets=splits,
        data_dir=root,
    )
    builder = tfds.builder_from_directory(root / "places365_small" / "2.1.0")
    stored = {split: list(tfds.as_numpy(builder.as_dataset(split=split, shuffle_files=False))) for split in COUNTS}
    return root, stored


def test_prepared_at_a_size_of_ones_choice(source, tmp_path):
    root, splits = source
    zoo.datasets.prepare("places365", data=root, out=tmp_path, size=8, progress=False)
    for split, rows in (
        ("train", splits["train"][:98]),
        ("validation", splits["train"][98:]),
        ("test", splits["validation"]),
    ):
        images, labels = zoo.datasets.load("places365", split, data=tmp_path)
        np.testing.assert_array_equal(images, [fit_pixels(row["image"], (8, 8), 3) for row in rows])
        np.testing.assert_array_equal(labels, [row["label"] for row in rows])


def test_what_is_missing_is_downloaded(source, tmp_path, monkeypatch, capsys):
    tfds = pytest.importorskip("tensorflow_datasets")
    root, splits = source

    class Builder:
        data_dir = root / "places365_small" / "2.1.0"

        def download_and_prepare(self, **options):
            print("the download")

    asked = []
    monkeypatch.setattr(tfds, "builder", lambda name, *, data_dir: asked.append((name, data_dir)) or Builder())
    zoo.datasets.prepare("places365", data=tmp_path, size=8, progress=False)
    assert asked == [("places365_small", tmp_path)]
    assert capsys.readouterr().out == ""
    assert len(zoo.datasets.load("places365", "test", data=tmp_path)[0]) == len(splits["validation"])


def test_what_is_missing_is_said(source, tmp_path, monkeypatch):
    tfds = pytest.importorskip("tensorflow_datasets")
    root, _ = source

    def fail(name, **options):
        raise OSError("no network")

    monkeypatch.setattr(tfds, "builder", fail)
    with pytest.raises(ConnectionError, match="no network\\nWhere .* run: tfds build places365_small --data_dir"):
        zoo.datasets.prepare("places365", data=tmp_path, out=tmp_path / "out", size=8)
    with pytest.raises(ValueError, match="Which size should the images of 'places365' get"):
        zoo.datasets.prepare("places365", data=root, out=tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="No prepared places365 in .* zoo data prepare places365"):
        zoo.datasets.load("places365", "train", data=tmp_path)
