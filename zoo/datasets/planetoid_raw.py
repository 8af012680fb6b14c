"""The raw Planetoid files: Python 2 pickles of sparse matrices, read without running what a pickle may contain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zoo.datasets.pickles import Csr, read_pickle

PARTS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")
VALIDATION_NODES = 500

Raw = tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]


def raw_files(name: str) -> list[str]:
    """Names of the eight raw files of a graph.

    Example:
        >>> raw_files("cora")[0]
        'ind.cora.x'
    """
    return [f"ind.{name}.{part}" for part in PARTS]


def is_raw(folder: Path, name: str) -> bool:
    """Whether all raw files of a graph are there."""
    return all((folder / file).is_file() for file in raw_files(name))


def read_raw(folder: Path, name: str) -> Raw:
    """Reads a graph from its raw files.

    Nodes are ordered by their number; the rows of `tx` are put where `test.index` says. Numbers between the smallest
    and the largest test node that are absent there (15 in Citeseer) become nodes without features, of class 0 and in
    no split. Citations are made undirected; self-loops and repetitions are dropped.

    Args:
        folder: holds `ind.<name>.x`, `.tx`, `.allx`, `.y`, `.ty`, `.ally`, `.graph` and `.test.index`.
        name: of the graph.

    Returns:
        Features float32 (N, F), edges int32 (E, 2), labels int64 (N,), and the masks of the public split.

    Raises:
        ValueError: a file is damaged, of another kind, or does not fit to the others.
    """
    paths = {part: folder / file for part, file in zip(PARTS, raw_files(name), strict=True)}
    known, unknown = _matrix(paths["allx"]), _matrix(paths["tx"])
    known_labels, unknown_labels = _matrix(paths["ally"]), _matrix(paths["ty"])
    test = _test_nodes(paths["test.index"])
    if len(known) != len(known_labels) or not len(unknown) == len(unknown_labels) == len(test) > 0:
        raise ValueError(f"The raw files of {name} in {folder} do not fit together: copy all of them anew.")
    if test.min() < 0 or test.max() >= len(known) + 2 * len(test) or len(np.unique(test)) != len(test):
        raise ValueError(f"Expected every test node once, beside {len(known)} others, in {paths['test.index']}.")
    nodes = max(int(test.max()) + 1, len(known))
    features = _placed(known, unknown, test, nodes)
    labels = _placed(known_labels, unknown_labels, test, nodes).argmax(axis=1).astype(np.int64)
    masks = {part: np.zeros(nodes, bool) for part in ("train", "validation", "test")}
    train = len(_matrix(paths["y"]))
    masks["train"][:train] = True
    masks["validation"][train : train + VALIDATION_NODES] = True
    masks["test"][test] = True
    return features, _edges(_unpickle(paths["graph"]), nodes, paths["graph"]), labels, masks


def _placed(known: np.ndarray, unknown: np.ndarray, test: np.ndarray, nodes: int) -> np.ndarray:
    rows = np.zeros((nodes, known.shape[1]), np.float32)
    rows[: len(known)] = known
    rows[test] = unknown
    return rows


def _edges(graph: Any, nodes: int, path: Path) -> np.ndarray:
    try:
        pairs = np.array([(one, other) for one, others in graph.items() for other in others], np.int64).reshape(-1, 2)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"Expected a dictionary from nodes to their neighbours in {path}.") from error
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < nodes:
        raise ValueError(f"Expected edges between {nodes} nodes in {path}; got node {pairs.max()}.")
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0).astype(np.int32)


def _matrix(path: Path) -> np.ndarray:
    value = _unpickle(path)
    try:
        matrix = value.dense() if isinstance(value, Csr) else np.asarray(value)
    except Exception as error:  # whatever a wrong set of attributes leads to
        raise ValueError(f"Expected a sparse matrix in {path}: {error!r}.") from error
    if matrix.ndim != 2:
        raise ValueError(f"Expected a matrix in {path}; got {type(value).__name__}.")
    return matrix


def _unpickle(path: Path) -> Any:
    return read_pickle(path.read_bytes(), path, "raw Planetoid file")


def _test_nodes(path: Path) -> np.ndarray:
    try:
        return np.array(path.read_text("utf-8").split(), np.int64)
    except ValueError as error:
        raise ValueError(f"Expected one node number a line in {path}.") from error
