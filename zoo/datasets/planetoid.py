"""Citation graphs Cora, Citeseer and Pubmed in the Planetoid form: one graph, every node a paper.

Read from one npz a graph or from the raw Planetoid files (`ind.<name>.x` and its seven fellows); the splits are
Planetoid's own or the ten of Geom-GCN. All files lie in the folder `planetoid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.datasets.arrays import read_npz
from zoo.datasets.planetoid_raw import is_raw, raw_files, read_raw
from zoo.math import pair_edges

FOLDER = "planetoid"
NAMES = ("citeseer", "cora", "pubmed")
PUBLIC_SPLITS = ("train", "validation", "test")
GEOM_SPLITS = 10
GEOM_FILE = "{name}_split_0.6_0.2_{number}.npz"
SPLITS = (*PUBLIC_SPLITS, *(f"geom-{number}/{part}" for number in range(GEOM_SPLITS) for part in PUBLIC_SPLITS))
"""Planetoid's public split, and Geom-GCN's ten (48 % / 32 % / 20 % of the nodes) as `geom-0/train` and so on."""
_MASK_KEYS = {"train": "train_mask", "validation": "val_mask", "test": "test_mask"}
_GRAPH_KEYS = ("feat_indices", "feat_indptr", "feat_shape", "feat_data", "feat_binary", "feat_complete")

Inputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class CitationGraph:
    """One citation graph as it is stored.

    Attributes:
        features: float32 (N, F), not normalised; None where the files lack them.
        edges: int32 (E, 2), each citation in both directions, sorted, no self-loops.
        labels: int64 (N,).
        masks: bool (N,) for "train", "validation" and "test".
    """

    features: np.ndarray | None
    edges: np.ndarray
    labels: np.ndarray
    masks: dict[str, np.ndarray]


def read(folder: Path, name: str, split: str) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """Reads a graph as model input, with the nodes of one split marked by their weight.

    Args:
        folder: holds `<name>.npz` or the raw Planetoid files, and for the splits of Geom-GCN
            `<name>_split_0.6_0.2_<0..9>.npz`.
        name: one of `NAMES`.
        split: one of `SPLITS`.

    Returns:
        Inputs `{"x": float32 (1, N, F), "edges": int32 (1, E, 2)}` with rows of features that sum to 1 (or to 0, for
        nodes without words) and each edge beside its reverse, labels int64 (1, N), and weights float32 (1, N): 1 for
        the nodes of the split, else 0.

    Raises:
        FileNotFoundError: the files are not there, or hold no features; says what is missing.
        ValueError: unknown split, or a damaged file.
    """
    if split not in SPLITS:
        raise ValueError(
            f"Unknown split {split!r} of {name}. Expected one of: {', '.join(PUBLIC_SPLITS)}, or geom-0/train to "
            f"geom-{GEOM_SPLITS - 1}/test."
        )
    graph = read_graph(folder, name)
    features = require_features(graph, folder, name)
    return as_inputs(features, graph.edges, graph.labels, read_mask(folder, name, split, graph))


def require_features(graph: CitationGraph, folder: Path, name: str) -> np.ndarray:
    """The features of a graph.

    Raises:
        FileNotFoundError: the graph has none; says which files are missing and where they go.
    """
    if graph.features is not None:
        return graph.features
    raise FileNotFoundError(
        f"The features of {name} are missing: {folder / f'{name}_graph_only.npz'} holds the graph, the labels and the "
        f"splits only. Put the raw Planetoid files {', '.join(raw_files(name))} into {folder} (from "
        "github.com/kimiyoung/planetoid, folder data). zoo.datasets.planetoid.read_graph reads what is there."
    )


def as_inputs(
    features: np.ndarray, edges: np.ndarray, labels: np.ndarray, mask: np.ndarray
) -> tuple[Inputs, np.ndarray, np.ndarray]:
    """A graph as a batch of one: inputs with normalised features, labels, and weights from the mask."""
    inputs = {"x": normalize_rows(features)[None], "edges": pair_edges(edges)[None]}
    return inputs, labels[None], mask.astype(np.float32)[None]


def read_graph(folder: Path, name: str) -> CitationGraph:
    """Reads what there is of a graph: features, edges, labels and the public split.

    Looks for `<name>.npz`, the raw Planetoid files and `<name>_graph_only.npz`, in this order.

    Args:
        folder: the folder `planetoid`.
        name: one of `NAMES`.

    Returns:
        The graph; its `features` are None where the file says that they are incomplete.

    Raises:
        FileNotFoundError: nothing of that name is there.
        ValueError: a damaged file.

    Example:
        >>> from pathlib import Path
        >>> graph = read_graph(Path("data/planetoid"), "pubmed")  # doctest: +SKIP
        >>> graph.edges.shape, graph.labels.shape  # doctest: +SKIP
        ((88648, 2), (19717,))
    """
    if (folder / f"{name}.npz").is_file():
        return _from_npz(folder / f"{name}.npz")
    if is_raw(folder, name):
        features, edges, labels, masks = read_raw(folder, name)
        return CitationGraph(features, edges, labels, masks)
    if (folder / f"{name}_graph_only.npz").is_file():
        return _from_npz(folder / f"{name}_graph_only.npz")
    raise FileNotFoundError(
        f"No files of {name} in {folder}. Put {name}.npz there, or the raw Planetoid files "
        f"{', '.join(raw_files(name))} (from github.com/kimiyoung/planetoid, folder data)."
    )


def read_mask(folder: Path, name: str, split: str, graph: CitationGraph) -> np.ndarray:
    """Reads which nodes belong to a split.

    Args:
        folder: the folder `planetoid`.
        name: one of `NAMES`.
        split: one of `SPLITS`.
        graph: the graph, with its public split.

    Returns:
        bool of shape (N,).

    Raises:
        FileNotFoundError: a split of Geom-GCN whose file is not there.
        ValueError: a mask of another length.
    """
    if split in PUBLIC_SPLITS:
        return graph.masks[split]
    number, part = split.removeprefix("geom-").split("/")
    path = folder / GEOM_FILE.format(name=name, number=number)
    if not path.is_file():
        raise FileNotFoundError(
            f"No file {path}. The splits of Geom-GCN come from github.com/graphdml-uiuc-jlu/geom-gcn, folder splits."
        )
    mask = read_npz(path, [_MASK_KEYS[part]])[_MASK_KEYS[part]].astype(bool)
    return _checked_mask(mask, len(graph.labels), path)


def normalize_rows(features: np.ndarray) -> np.ndarray:
    """Divides each row by its sum, rows that sum to less than 1 by 1.

    Example:
        >>> normalize_rows(np.array([[1.0, 1.0], [0.0, 0.0]])).tolist()
        [[0.5, 0.5], [0.0, 0.0]]
    """
    return (features / np.maximum(features.sum(axis=1, keepdims=True), 1.0)).astype(np.float32)


def _from_npz(path: Path) -> CitationGraph:
    stored = read_npz(path, [*_GRAPH_KEYS, "labels", "edge_index", *_MASK_KEYS.values()])
    labels = stored["labels"].astype(np.int64)
    edges = np.ascontiguousarray(stored["edge_index"].T.astype(np.int32))
    nodes = len(labels)
    if edges.ndim != 2 or edges.shape[1] != 2 or not (edges.size == 0 or 0 <= edges.min() <= edges.max() < nodes):
        raise ValueError(f"Expected edges between the {nodes} nodes in {path}; the file is damaged.")
    masks = {part: _checked_mask(stored[key].astype(bool), nodes, path) for part, key in _MASK_KEYS.items()}
    return CitationGraph(_features(stored, nodes, path) if stored["feat_complete"] else None, edges, labels, masks)


def _features(stored: dict[str, np.ndarray], nodes: int, path: Path) -> np.ndarray:
    shape, indptr = tuple(stored["feat_shape"].tolist()), stored["feat_indptr"]
    columns = stored["feat_indices"].astype(np.int64)
    if shape[0] != nodes or len(indptr) != nodes + 1 or indptr[-1] != len(columns) or columns.max() >= shape[1]:
        raise ValueError(f"Expected features of {nodes} nodes in {path}; the file is damaged.")
    features = np.zeros(shape, np.float32)
    rows = np.repeat(np.arange(nodes), np.diff(indptr))
    features[rows, columns] = 1.0 if stored["feat_binary"] else stored["feat_data"]
    return features


def _checked_mask(mask: np.ndarray, nodes: int, path: Path) -> np.ndarray:
    if mask.shape != (nodes,):
        raise ValueError(f"Expected masks of {nodes} nodes in {path}; got shape {mask.shape}.")
    return mask
