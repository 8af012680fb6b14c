from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import zoo.datasets
from tests.datasets import graphs
from zoo.datasets import pickles, planetoid, planetoid_raw
from zoo.math import pair_edges

pytestmark = pytest.mark.once


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "planetoid"


@pytest.fixture
def short_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planetoid_raw, "VALIDATION_NODES", 3)


@pytest.mark.parametrize("split", planetoid.PUBLIC_SPLITS)
def test_what_a_model_gets(folder, tmp_path, split):
    graphs.write_npz(folder / "cora.npz")
    inputs, labels, weight = zoo.datasets.load("cora", split, data=tmp_path)
    assert {key: (value.shape, value.dtype.name) for key, value in inputs.items()} == {
        "x": ((1, 9, 5), "float32"),
        "edges": ((1, 10, 2), "int32"),
    }
    np.testing.assert_array_equal(inputs["edges"][0], pair_edges(graphs.EDGES))
    np.testing.assert_array_equal(labels, graphs.LABELS[None])
    np.testing.assert_array_equal(weight, graphs.MASKS[split][None])
    assert labels.dtype == np.int64 and weight.dtype == np.float32


def test_rows_sum_to_one_and_empty_ones_stay(folder, tmp_path):
    graphs.write_npz(folder / "cora.npz")
    x = zoo.datasets.load("cora", "train", data=tmp_path)[0]["x"][0]
    np.testing.assert_allclose(x[0], [0.25, 0.25, 0, 0.25, 0.25])
    np.testing.assert_array_equal(x[7], 0)
    np.testing.assert_array_equal(x > 0, graphs.features() > 0)


def test_features_that_are_not_binary(folder):
    graphs.write_npz(folder / "citeseer.npz", binary=False)
    np.testing.assert_allclose(planetoid.read_graph(folder, "citeseer").features, 0.25 * graphs.features())


def test_raw_files_give_the_same(folder, short_validation):
    graphs.write_npz(folder / "cora.npz")
    graphs.write_raw(folder, "citeseer")
    expected, raw = planetoid.read_graph(folder, "cora"), planetoid.read_graph(folder, "citeseer")
    np.testing.assert_array_equal(raw.features, expected.features)
    np.testing.assert_array_equal(raw.edges, expected.edges)
    # A paper without words has no class in the raw files; it is read as class 0 and belongs to no split.
    np.testing.assert_array_equal(raw.labels, expected.labels)
    for part in planetoid.PUBLIC_SPLITS:
        np.testing.assert_array_equal(raw.masks[part], expected.masks[part], err_msg=part)


def test_raw_files_with_sparse_matrices(folder, short_validation):
    sparse = pytest.importorskip("scipy.sparse", reason="scipy writes the sparse matrices of this test")
    graphs.write_raw(folder, "cora")
    for part in ("x", "tx", "allx"):
        path = folder / f"ind.cora.{part}"
        matrix = sparse.csr_matrix(pickle.loads(path.read_bytes()))
        path.write_bytes(pickle.dumps(matrix, protocol=2))
    np.testing.assert_array_equal(planetoid.read_graph(folder, "cora").features, graphs.features())


def test_sparse_matrix_as_python_2_wrote_it(folder, short_validation):
    """The attributes' names and the bytes-as-text of files written in 2016."""
    stored = pickles.Csr()
    stored.__setstate__(
        {
            "_shape": (2, 3),
            "data": np.array([1.0, 1.0], np.float32),
            "indices": np.array([2, 0], np.int32),
            "indptr": np.array([0, 1, 2], np.int32),
            "maxprint": 50,
            "_has_sorted_indices": True,
        }
    )
    np.testing.assert_array_equal(stored.dense(), [[0, 0, 1], [1, 0, 0]])


def test_a_pickle_cannot_run_anything(folder, tmp_path, short_validation):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "caught"),)

    graphs.write_raw(folder, "cora")
    (folder / "ind.cora.graph").write_bytes(pickle.dumps(Trap(), protocol=2))
    with pytest.raises(ValueError, match=r"ind.cora.graph is not a readable raw Planetoid file.*it names \w+.mkdir"):
        planetoid.read_graph(folder, "cora")
    assert not (tmp_path / "caught").exists()


@pytest.mark.parametrize("file", ["ind.cora.allx", "ind.cora.graph", "ind.cora.test.index"])
@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps({1: 2}, protocol=2), pickle.dumps([1], protocol=2)])
def test_damaged_raw_file(folder, short_validation, file, content):
    graphs.write_raw(folder, "cora")
    (folder / file).write_bytes(content)
    with pytest.raises(ValueError, match=r"ind\.cora|do not fit together"):
        planetoid.read_graph(folder, "cora")


def test_pubmed_without_features(folder, tmp_path):
    graphs.write_npz(folder / "pubmed_graph_only.npz", complete=False)
    with pytest.raises(FileNotFoundError, match=r"features of pubmed are missing.*ind.pubmed.x, ind.pubmed.tx"):
        zoo.datasets.load("pubmed", "train", data=tmp_path)
    graph = planetoid.read_graph(folder, "pubmed")
    assert graph.features is None
    np.testing.assert_array_equal(graph.edges, graphs.EDGES)
    np.testing.assert_array_equal(graph.masks["test"], graphs.MASKS["test"])


def test_raw_files_complete_pubmed(folder, tmp_path, short_validation):
    graphs.write_npz(folder / "pubmed_graph_only.npz", complete=False)
    graphs.write_raw(folder, "pubmed")
    assert zoo.datasets.load("pubmed", "test", data=tmp_path)[0]["x"].shape == (1, 9, 5)


def test_splits_of_geom_gcn(folder, tmp_path):
    graphs.write_npz(folder / "cora.npz")
    masks = {"train_mask": np.arange(9) < 4, "val_mask": np.arange(9) == 4, "test_mask": (np.arange(9) > 4).astype(int)}
    np.savez(folder / "cora_split_0.6_0.2_3.npz", **masks)
    for part, key in (("train", "train_mask"), ("validation", "val_mask"), ("test", "test_mask")):
        weight = zoo.datasets.load("cora", f"geom-3/{part}", data=tmp_path)[2]
        np.testing.assert_array_equal(weight[0], masks[key])
    with pytest.raises(FileNotFoundError, match=r"No file .*cora_split_0.6_0.2_4.npz.*geom-gcn"):
        zoo.datasets.load("cora", "geom-4/train", data=tmp_path)
    np.savez(folder / "cora_split_0.6_0.2_4.npz", train_mask=np.ones(3, bool))
    with pytest.raises(ValueError, match="masks of 9 nodes"):
        zoo.datasets.load("cora", "geom-4/train", data=tmp_path)


@pytest.mark.parametrize("split", ["dev", "train+validation", "geom-10/train", "geom-0", "geom-0/dev"])
def test_unknown_split(folder, tmp_path, split):
    graphs.write_npz(folder / "cora.npz")
    with pytest.raises(ValueError, match=r"Unknown split .* of cora. Expected one of: train, .* or geom-0"):
        zoo.datasets.load("cora", split, data=tmp_path)


def test_files_missing(folder, tmp_path):
    folder.mkdir()
    with pytest.raises(FileNotFoundError, match=r"No files of cora .* Put cora.npz there, or .*ind.cora.x"):
        zoo.datasets.load("cora", "train", data=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edge_index": np.array([[0, 9], [9, 0]])}, "edges between the 9 nodes"),
        ({"val_mask": np.ones(8, bool)}, "masks of 9 nodes"),
        ({"feat_indptr": np.arange(3)}, "features of 9 nodes"),
    ],
)
def test_arrays_that_do_not_fit(folder, changes, message):
    graphs.write_npz(folder / "cora.npz", **changes)
    with pytest.raises(ValueError, match=message):
        planetoid.read_graph(folder, "cora")


def test_other_file(folder):
    folder.mkdir()
    (folder / "cora.npz").write_text("hello")
    with pytest.raises(ValueError, match=r"cora.npz.*damaged or of another kind"):
        planetoid.read_graph(folder, "cora")


ROOT = Path(os.environ.get("ZOO_DATA", "/nowhere"))
needs_files = pytest.mark.skipif(
    not (ROOT / "planetoid" / "cora.npz").is_file(), reason="set ZOO_DATA to a folder with planetoid/cora.npz"
)


@needs_files
@pytest.mark.parametrize(
    ("name", "nodes", "entries", "words", "counts", "train"),
    [
        ("cora", 2708, 10556, 1433, [351, 217, 418, 818, 426, 298, 180], 140),
        # 15 of the 264 of class 0 are papers of which nothing is known.
        ("citeseer", 3327, 9104, 3703, [264, 590, 668, 701, 596, 508], 120),
        ("pubmed", 19717, 88648, None, [4103, 7739, 7875], 60),
    ],
)
def test_published_sizes(name, nodes, entries, words, counts, train):
    graph = planetoid.read_graph(ROOT / "planetoid", name)
    assert graph.edges.shape == (entries, 2)
    assert np.bincount(graph.labels).tolist() == counts
    assert [int(graph.masks[part].sum()) for part in planetoid.PUBLIC_SPLITS] == [train, 500, 1000]
    assert (None if graph.features is None else graph.features.shape) == (words and (nodes, words))
    # Undirected: the reversed list is the list again.
    np.testing.assert_array_equal(np.unique(graph.edges[:, ::-1], axis=0), graph.edges)
