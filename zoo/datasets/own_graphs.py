"""One graph of one's own with a label a node: NumPy files, mappings and NetworkX graphs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo._paths import expanded
from zoo._reading import readable
from zoo.datasets.protocol import DataSet, class_names
from zoo.datasets.splitting import SHARE, stratified
from zoo.math import check_edges, from_networkx, pair_edges, to_undirected

_FEATURES = ("x", "features")
_LABELS = ("labels", "label", "y")
_MASKS = {
    "train": ("train_mask", "train"),
    "validation": ("val_mask", "validation_mask", "val", "validation"),
    "test": ("test_mask", "test"),
}


def is_graph(value: Any) -> bool:
    """Whether a value is a graph: a NetworkX graph, a mapping with edges, or a path that ends in `.npz`."""
    if isinstance(value, Mapping):
        return "edges" in value or "edge_index" in value
    return hasattr(value, "is_directed") or str(value).lower().endswith(".npz")


def open_graph(source: Any, *, share: float = SHARE, seed: int = 0) -> DataSet:
    """A graph with labelled nodes as training data: every node is seen, the labels of the training nodes count.

    Edges are taken in both directions. Features are taken as they are. A node without a label (-1, None or an empty
    text) belongs to no split.

    Args:
        source: an `.npz` file or a mapping with `x` (nodes, features), `edges` (pairs, 2) or `edge_index` (2, pairs),
            `labels` (nodes), whole numbers or names, and perhaps `classes`, the names by number, and the masks
            `train_mask`, `val_mask` and `test_mask`; or a NetworkX graph whose nodes have the attributes `x` and
            `label`, perhaps `split`.
        share: part of each class that is set aside as validation where no masks are given; a fifth by default.
        seed: by which that part is drawn.

    Returns:
        The data: one graph, and weights that are 1 for the nodes of a split.

    Raises:
        FileNotFoundError: no such file.
        ValueError: something missing, another shape, edges to nodes that are not there, fewer than two classes, a
            class without training nodes, or masks that overlap.

    Example:
        >>> graph = {"x": np.eye(6), "edges": [[0, 2], [2, 4], [1, 3], [3, 5]], "labels": ["a", "b"] * 3}
        >>> data = open_graph(graph)
        >>> data.classes, data.train[0]["edges"].shape, data.train[2].sum(), data.validation[2].sum()
        (('a', 'b'), (1, 8, 2), np.float32(4.0), np.float32(2.0))
    """
    if isinstance(source, Mapping) or hasattr(source, "is_directed"):
        return _open(source if isinstance(source, Mapping) else _from_networkx(source), share, seed)
    path = expanded(source)
    values = _read(path)
    try:
        return _open(values, share, seed)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _open(values: Mapping[str, Any], share: float, seed: int) -> DataSet:
    x = np.asarray(_find(values, _FEATURES, "features of the nodes"))
    if x.ndim != 2 or x.dtype.kind not in "biuf" or 0 in x.shape or not np.isfinite(x).all():
        raise ValueError(f"Expected finite numbers x of shape (nodes, features); got {x.dtype} {x.shape}.")
    edges = pair_edges(to_undirected(check_edges(_edges(values), len(x))))
    labels, names = _labels(np.asarray(_find(values, _LABELS, "labels of the nodes")), values.get("classes"), len(x))
    masks = _masks(values, labels, names, share, seed)
    inputs = {"x": x.astype("float32")[None], "edges": edges[None]}
    splits: dict[str, Any] = {"test": None}
    splits |= {
        name: (inputs, np.maximum(labels, 0)[None], mask.astype("float32")[None]) for name, mask in masks.items()
    }
    return DataSet(classes=names, kind="graphs", **splits)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"No such file of a graph: {path}.")
    what = ".npz file of plain arrays (names of classes are texts, not objects)"
    with readable(path, what), np.load(path, allow_pickle=False) as archive:
        return dict(archive)


def _from_networkx(graph: Any) -> dict[str, Any]:
    edges, nodes = from_networkx(graph)
    facts = [graph.nodes[node] for node in nodes]
    without = [node for node, fact in zip(nodes, facts, strict=True) if not any(name in fact for name in _FEATURES)]
    if without or not nodes:
        shown = ", ".join(map(repr, without[:5])) or "the graph is empty"
        raise ValueError(f"Expected every node to have the attribute x, its features; without it: {shown}.")
    labels = [next((fact[name] for name in _LABELS if fact.get(name) is not None), "") for fact in facts]
    numbers = all(isinstance(label, int | np.integer) for label in labels if label != "")
    found: dict[str, Any] = {
        "x": [next(fact[name] for name in _FEATURES if name in fact) for fact in facts],
        "edges": edges,
        "labels": [-1 if label == "" else label for label in labels] if numbers else [str(label) for label in labels],
    }
    if any("split" in fact for fact in facts):
        found |= {names[0]: [fact.get("split") in names for fact in facts] for names in _MASKS.values()}
    return found


def _find(values: Mapping[str, Any], names: tuple[str, ...], what: str) -> Any:
    there = [name for name in names if name in values]
    if len(there) != 1:
        raise ValueError(f"Expected the {what} as {names[0]!r}; the graph has {', '.join(map(str, values))}.")
    return values[there[0]]


def _edges(values: Mapping[str, Any]) -> np.ndarray:
    if ("edges" in values) == ("edge_index" in values):
        raise ValueError(f"Expected the edges as 'edges' (pairs, 2); the graph has {', '.join(map(str, values))}.")
    edges = np.asarray(values["edges"]) if "edges" in values else np.asarray(values["edge_index"]).T
    if edges.ndim != 2 or edges.shape[1] != 2:
        raise ValueError(f"Expected edges of shape (pairs, 2), or edge_index of shape (2, pairs); got {edges.shape}.")
    return edges


def _labels(labels: np.ndarray, names: Any, nodes: int) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class numbers, -1 where there is none, and names."""
    if labels.shape != (nodes,):
        raise ValueError(f"Expected a label for each of the {nodes} nodes; got shape {labels.shape}.")
    if labels.dtype.kind in "iu":
        known = class_names([str(n) for n in (names if names is not None else range(int(labels.max(initial=-1)) + 1))])
        if labels.min(initial=0) < -1 or labels.max(initial=0) >= len(known):
            raise ValueError(
                f"Expected labels 0 to {len(known) - 1}, -1 for none; got {labels.min()} to {labels.max()}."
            )
        return labels.astype("int64"), known
    if labels.dtype.kind not in "US":
        raise ValueError(f"Expected labels as whole numbers or names; got {labels.dtype}.")
    texts = labels.astype(str)
    known = class_names([str(n) for n in names] if names is not None else sorted(set(texts[texts != ""].tolist())))
    places = {name: index for index, name in enumerate(known)}
    unknown = sorted({text for text in texts if text and text.strip() not in places})
    if unknown:
        raise ValueError(f"Labels that are no class: {', '.join(unknown[:10])}; the classes are {', '.join(known)}.")
    return np.array([places[text.strip()] if text else -1 for text in texts], "int64"), known


def _masks(
    values: Mapping[str, Any], labels: np.ndarray, names: tuple[str, ...], share: float, seed: int
) -> dict[str, np.ndarray]:
    known = {part: values[name] for part, words in _MASKS.items() for name in words if name in values}
    masks = {part: _mask(part, value, labels) for part, value in known.items()}
    if "train" not in masks and masks:
        raise ValueError(f"The graph has a mask of {', '.join(masks)} and none of the training nodes, train_mask.")
    base = masks.get("train", labels >= 0)
    if not masks.get("validation", np.zeros(1)).any():
        inside = np.flatnonzero(base & ~masks.get("test", np.zeros(len(labels), bool)))
        chosen = np.zeros(len(labels), bool)
        chosen[inside[stratified(labels[inside], share=share, seed=seed, names=names)]] = True
        masks |= {"train": base & ~chosen, "validation": chosen}
    if (np.sum([*masks.values()], axis=0) > 1).any():
        raise ValueError("A node belongs to two splits: the masks overlap.")
    missing = sorted(set(range(len(names))) - set(labels[masks["train"]].tolist()))
    if missing:
        raise ValueError(f"No training nodes of: {', '.join(names[index] for index in missing)}.")
    return {part: mask for part, mask in masks.items() if mask.any()}


def _mask(part: str, value: Any, labels: np.ndarray) -> np.ndarray:
    mask = np.asarray(value)
    if mask.shape != labels.shape or mask.dtype.kind not in "biu" or not set(np.unique(mask).tolist()) <= {0, 1}:
        raise ValueError(f"Expected the mask of {part} as yes or no for each of the {len(labels)} nodes.")
    return mask.astype(bool) & (labels >= 0)
