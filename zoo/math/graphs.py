"""Graphs as edge lists: checks, both directions of every edge, degrees and weights.

An edge list is an integer array `(E, 2)` whose rows are pairs (i, j); a row (-1, -1) is padding and counts for nothing.
It is *undirected* if it holds (j, i) as often as (i, j), and *paired* if in addition edges 2k and 2k + 1 are each
other's reverse: the order in which a layer recognises an undirected graph at the cost of one comparison.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def check_edges(edges: Any, num_nodes: int) -> np.ndarray:
    """An edge list, or a batch of them, as int32.

    Args:
        edges: integers of shape (..., E, 2), node numbers from 0 to `num_nodes` - 1 or rows of -1.
        num_nodes: nodes of each graph.

    Returns:
        int32 of the same shape.

    Raises:
        ValueError: another shape, numbers that are no integers, or an index out of range.

    Example:
        >>> check_edges([[0, 1], [-1, -1]], 2).dtype
        dtype('int32')
    """
    array = np.asarray(edges)
    if array.shape == (0,):  # no edges, written as []
        array = np.zeros((0, 2), "int32")
    if array.ndim < 2 or array.shape[-1] != 2:
        turned = "T" if array.ndim == 2 else "transpose(0, 2, 1)"
        hint = f" PyTorch Geometric's edge_index is its transpose: pass edge_index.{turned}."
        hint = hint if array.shape[-2:-1] == (2,) else ""
        raise ValueError(f"Expected edges of shape (..., edges, 2), one pair (i, j) a row; got {array.shape}.{hint}")
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"Expected integer node numbers in the edges; got dtype {array.dtype}: use astype('int32').")
    if array.size and (array.min() < -1 or array.max() >= num_nodes):
        wrong = array.max() if array.max() >= num_nodes else array.min()
        raise ValueError(
            f"An edge names node {wrong}, but the graph has {num_nodes} nodes: expected indices 0 to {num_nodes - 1} "
            f"(or -1, twice in a row, for padding)."
        )
    if array.size and array.max() > np.iinfo("int32").max:
        raise ValueError(f"An edge names node {array.max()}: node numbers are at most {np.iinfo('int32').max}.")
    array = array.astype("int32")
    if ((array[..., 0] < 0) != (array[..., 1] < 0)).any():
        raise ValueError("An edge has one end at -1: padding is a row with -1 at both ends.")
    return array


def to_undirected(edges: Any) -> np.ndarray:
    """Every connected pair of nodes in both directions, once, in pairs.

    Args:
        edges: integers (E, 2). Order, direction and repetitions do not matter; loops (i, i) and padding are dropped.

    Returns:
        int32 (2 P, 2) for P connected pairs, sorted by the smaller node and then by the larger one; row 2k + 1 is row
        2k reversed.

    Example:
        >>> to_undirected([[2, 0], [0, 1], [1, 0]]).tolist()
        [[0, 1], [1, 0], [0, 2], [2, 0]]
    """
    edges = _proper(edges)
    return _both_ways(np.unique(np.sort(edges, axis=1), axis=0) if len(edges) else edges)


def is_undirected(edges: Any) -> bool:
    """Whether the list holds every edge as often as its reverse; loops and padding do not count.

    Example:
        >>> is_undirected([[0, 1], [1, 2], [2, 1], [1, 0]]), is_undirected([[0, 1]])
        (True, False)
    """
    edges = _proper(edges)
    return bool(np.array_equal(_sorted(edges), _sorted(edges[:, ::-1])))


def pair_edges(edges: Any) -> np.ndarray:
    """An undirected list in pairs: row 2k + 1 is row 2k reversed. Repeated edges stay, loops and padding go.

    `PDEGCNBlock` recognises this order and then takes its exact short cut; results are those of the list as given.

    Args:
        edges: integers (E, 2).

    Returns:
        int32 (E', 2).

    Raises:
        ValueError: an edge has no reverse; `to_undirected` adds what is missing.

    Example:
        >>> pair_edges([[1, 2], [0, 1], [1, 0], [2, 1]]).tolist()
        [[0, 1], [1, 0], [1, 2], [2, 1]]
    """
    if not is_undirected(edges):
        raise ValueError("The list does not hold every edge in both directions; to_undirected adds the missing ones.")
    edges = _sorted(_proper(edges))
    return _both_ways(edges[edges[:, 0] < edges[:, 1]])


def degrees(edges: Any, num_nodes: int) -> np.ndarray:
    """1 + the number of edges (i, n) that end in each node n; loops and padding do not count.

    Args:
        edges: integers (E, 2).
        num_nodes: nodes of the graph.

    Returns:
        float64 (num_nodes,).

    Example:
        >>> degrees([[0, 1], [1, 0], [2, 2]], 3).tolist()
        [2.0, 2.0, 1.0]
    """
    edges = _proper(check_edges(edges, num_nodes))
    return 1.0 + np.bincount(edges[:, 1], minlength=num_nodes)


def gcn_weights(edges: Any, num_nodes: int) -> np.ndarray:
    """Weights 1 / sqrt(d_i d_j) of all edges, with the degrees d of `degrees`; 0 for loops and padding.

    This is the normalisation of Kipf and Welling: the 1 in a degree is the loop that it adds to every node. In
    gradients and divergences a loop's own contribution is 0 whatever its weight.

    Args:
        edges: integers (E, 2).
        num_nodes: nodes of the graph.

    Returns:
        float64 (E,).

    Example:
        >>> gcn_weights([[0, 1], [1, 0], [-1, -1]], 2).round(3).tolist()
        [0.5, 0.5, 0.0]
    """
    edges = check_edges(edges, num_nodes)
    root = np.append(degrees(edges, num_nodes) ** -0.5, 0.0)  # padding's -1 is the last entry
    return np.where(edges[:, 0] == edges[:, 1], 0.0, root[edges[:, 0]] * root[edges[:, 1]])


def _proper(edges: Any) -> np.ndarray:
    """The rows that are neither loops nor padding."""
    array = np.asarray(edges)
    array = check_edges(array, int(array.max()) + 1 if array.size else 1)
    if array.ndim != 2:
        raise ValueError(f"Expected the edges of one graph, shape (edges, 2); got {array.shape}.")
    return array[array[:, 0] != array[:, 1]]


def _sorted(edges: np.ndarray) -> np.ndarray:
    return edges[np.lexsort((edges[:, 1], edges[:, 0]))]


def _both_ways(edges: np.ndarray) -> np.ndarray:
    return np.stack([edges, edges[:, ::-1]], axis=1).reshape(-1, 2).astype("int32")
