"""Several graphs as arrays of one shape, and graphs made from points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.math.graphs import check_edges
from zoo.math.values import check_whole


def pad_graphs(
    graphs: Sequence[tuple[Any, ...]], *, nodes: int | None = None, edges: int | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Graphs of different sizes as one batch for a graph model.

    A compiled model is compiled once for every shape it meets. So that there are few shapes, sizes are rounded up to
    powers of two unless they are given.

    Args:
        graphs: pairs of node features (N, F) and edges (E, 2), or triples with weights of the edges (E,).
        nodes: nodes of every graph after padding; None for the next power of two.
        edges: edges of every graph after padding; None for the next power of two.

    Returns:
        `{"x": float32 (B, nodes, F), "edges": int32 (B, edges, 2)}` with zeros and -1 as padding, for triples also
        float32 `edge_weight` (B, edges), and a mask, float32 (B, nodes), that is 1 for nodes and 0 for padding: the
        `sample_weight` of `fit` and `evaluate` where nodes have labels. Models of whole graphs find the padding by
        themselves.

    Raises:
        ValueError: no graphs, something else than pairs or triples of one kind, features of different widths, or a
            graph larger than `nodes` or `edges`.

    Example:
        >>> inputs, mask = pad_graphs([(np.ones((3, 2)), [[0, 1], [1, 0]]), (np.ones((1, 2)), np.empty((0, 2), int))])
        >>> inputs["x"].shape, inputs["edges"].shape, mask.sum(axis=1).tolist()
        ((2, 4, 2), (2, 2, 2), [3.0, 1.0])
    """
    graphs = _pairs(graphs)
    features = [_numbers(x, "features").astype("float32") for x, *_ in graphs]
    widths = {x.shape[1] if x.ndim == 2 else None for x in features}
    if len(widths) != 1 or None in widths:
        raise ValueError(
            f"Expected one or more graphs with features (nodes, width) of one width; got shapes "
            f"{[x.shape for x in features]}."
        )
    lists = [check_edges(each[1], len(x)) for x, each in zip(features, graphs, strict=True)]
    if any(pairs.ndim != 2 for pairs in lists):
        raise ValueError(f"Expected edges of shape (edges, 2) for each graph; got shapes {[e.shape for e in lists]}.")
    nodes = _size(nodes, [len(x) for x in features], "nodes")
    edges = _size(edges, [len(pairs) for pairs in lists], "edges")
    padded = np.zeros((len(features), nodes, features[0].shape[1]), "float32")
    padded_edges = np.full((len(features), edges, 2), -1, "int32")
    mask = np.zeros((len(features), nodes), "float32")
    for row, (x, pairs) in enumerate(zip(features, lists, strict=True)):
        padded[row, : len(x)] = x
        padded_edges[row, : len(pairs)] = pairs
        mask[row, : len(x)] = 1.0
    inputs = {"x": padded, "edges": padded_edges}
    if len(graphs[0]) == 3:
        inputs["edge_weight"] = _padded_weights([each[2] for each in graphs], lists, edges)
    return inputs, mask


def _padded_weights(given: list[Any], lists: list[np.ndarray], edges: int) -> np.ndarray:
    """Weights of edges (B, edges), 0 for padding."""
    padded = np.zeros((len(given), edges), "float32")
    for row, (values, pairs) in enumerate(zip(given, lists, strict=True)):
        weights = _numbers(values, "weights of edges")
        if weights.shape != (len(pairs),) or not np.isfinite(weights).all():
            raise ValueError(
                f"Expected a finite weight for each of {len(pairs)} edges of graph {row}; got shape {weights.shape}."
            )
        padded[row, : len(pairs)] = weights
    return padded


def knn_graph(points: Any, k: int) -> np.ndarray:
    """Edges from every point to its k nearest others.

    The list is directed: a point may be among the nearest of one that is not among its own. `to_undirected` makes it
    symmetric.

    Args:
        points: (N, D) coordinates, or (B, N, D) for a batch of clouds.
        k: neighbours of each point, below N.

    Returns:
        int32 (N k, 2), or (B, N k, 2), rows (point, neighbour), nearest first; of equally near ones the lowest number.

    Raises:
        ValueError: another shape, coordinates that are not finite, or a `k` that is no whole number from 1 to N - 1.

    Example:
        >>> knn_graph([[0.0], [1.0], [3.0]], 1).tolist()
        [[0, 1], [1, 0], [2, 1]]
    """
    array = _numbers(points, "points").astype("float64")
    if array.ndim not in (2, 3) or 0 in array.shape or array.shape[-2] < 2 or not np.isfinite(array).all():
        raise ValueError(
            f"Expected two or more finite points of shape (N, D), or (B, N, D) for a batch; got shape {array.shape}."
        )
    count = array.shape[-2]
    k = check_whole("k", k, 1, count - 1)
    if array.ndim == 3:
        return np.stack([knn_graph(cloud, k) for cloud in array])
    nearest = np.empty((count, k), "int32")
    step = max(1, 2**24 // count)  # bounds the distances held at a time to 128 MiB
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        # Differences first: |a|^2 - 2 a b + |b|^2 loses all digits far from the origin, and the order of equal ones.
        distances = sum(np.square(axis[rows, None] - axis) for axis in array.T)
        distances[np.arange(rows.stop - start), np.arange(start, rows.stop)] = np.inf
        nearest[rows] = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.stack([np.repeat(np.arange(count, dtype="int32"), k), nearest.ravel()], axis=1)


def _pairs(graphs: Any) -> list[Any]:
    """The graphs as a list of pairs (features, edges), or of triples with weights."""
    given = list(graphs) if hasattr(graphs, "__iter__") and not isinstance(graphs, Mapping) else None
    wrong = [item for item in given or [] if not isinstance(item, (tuple, list)) or len(item) not in (2, 3)]
    if given and not wrong and len({len(item) for item in given}) > 1:
        raise ValueError("Expected weights of edges for all graphs or for none; got some pairs and some triples.")
    if given is None or wrong:
        found = type(wrong[0] if wrong else graphs).__name__
        what = f"{found} of {len(wrong[0])}" if wrong and isinstance(wrong[0], (tuple, list)) else found
        raise ValueError(
            f'Expected a list of pairs (features, edges), as [(x, edges)] or [(g["x"], g["edges"]) for g in graphs]; '
            f"got a {what}{' in it' if wrong else ''}."
        )
    return given


def _numbers(values: Any, what: str) -> np.ndarray:
    """Real numbers as an array."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # ragged lists
        raise ValueError(f"Expected {what} as an array of numbers; got {type(values).__name__}: {error}") from error
    if hasattr(values, "toarray"):
        raise ValueError(f"Expected {what} as an array; got a sparse {type(values).__name__}: pass its toarray().")
    if array.dtype.kind not in "biuf":
        raise ValueError(f"Expected {what} as an array of real numbers; got dtype {array.dtype}.")
    return array


def _size(wanted: int | None, sizes: list[int], what: str) -> int:
    largest = max(sizes)
    if wanted is None:
        return 1 << max(largest - 1, 1).bit_length()
    wanted = check_whole(what, wanted, 0)
    if wanted < largest:
        raise ValueError(f"A graph has {largest} {what}, more than {what}={wanted}.")
    return wanted
