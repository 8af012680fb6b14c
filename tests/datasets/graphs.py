"""A citation graph of nine papers, as npz and as the raw files would hold it."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np

NODES, WORDS = 9, 5
# Undirected, sorted, both directions; paper 7 is alone, and absent from the raw test files.
EDGES = np.array([[0, 1], [0, 2], [1, 0], [1, 8], [2, 0], [3, 4], [4, 3], [5, 6], [6, 5], [8, 1]], np.int32)
LABELS = np.array([0, 1, 2, 0, 1, 2, 1, 0, 2])
PARTS = {"train": [0, 1], "validation": [2, 3, 4], "test": [5, 6, 8]}
MASKS = {part: np.isin(np.arange(NODES), nodes) for part, nodes in PARTS.items()}


def features() -> np.ndarray:
    values = (np.random.default_rng(0).random((NODES, WORDS)) < 0.5).astype(np.float32)
    values[7] = 0
    values[0] = [1, 1, 0, 1, 1]
    return values


def write_npz(path: Path, *, binary: bool = True, complete: bool = True, **changes: object) -> None:
    rows, columns = np.nonzero(features())
    arrays = {
        "feat_indices": columns.astype(np.int16),
        "feat_indptr": np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=NODES))]).astype(np.int32),
        "feat_shape": np.array([NODES, WORDS], np.int32),
        "feat_data": np.zeros(0, np.float32) if binary else np.full(len(columns), 0.25, np.float32),
        "feat_binary": np.array(binary),
        "feat_complete": np.array(complete),
        "labels": LABELS.astype(np.int16),
        "edge_index": EDGES.T,
        "train_mask": MASKS["train"],
        "val_mask": MASKS["validation"],
        "test_mask": MASKS["test"],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **(arrays | changes))


def write_raw(folder: Path, name: str) -> None:
    """The eight files as Planetoid's authors wrote them, dense, with citations that are a mess on purpose."""
    folder.mkdir(parents=True, exist_ok=True)
    x, one_hot = features(), np.eye(3, dtype=np.int32)[LABELS]
    test = [8, 5, 6]
    parts = {"x": x[:2], "tx": x[test], "allx": x[:5], "y": one_hot[:2], "ty": one_hot[test], "ally": one_hot[:5]}
    neighbours = {0: [1, 2, 2, 0], 1: [8], 3: [4], 6: [5], 7: []}
    for part, value in (parts | {"graph": neighbours}).items():
        (folder / f"ind.{name}.{part}").write_bytes(pickle.dumps(value, protocol=2))
    (folder / f"ind.{name}.test.index").write_text("".join(f"{node}\n" for node in test))
