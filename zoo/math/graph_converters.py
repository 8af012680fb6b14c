"""From other libraries' graphs to edge lists. The libraries are not imported: their objects know enough."""

from __future__ import annotations

from typing import Any

import numpy as np


def from_scipy(matrix: Any) -> np.ndarray:
    """Edges of a SciPy sparse adjacency matrix: (row, column) of every entry that is not 0.

    Args:
        matrix: square, of any sparse format.

    Returns:
        int32 (E, 2).

    Raises:
        ValueError: no square sparse matrix.

    Example:
        >>> import scipy.sparse  # doctest: +SKIP
        >>> from_scipy(scipy.sparse.eye(3, k=1)).tolist()  # doctest: +SKIP
        [[0, 1], [1, 2]]
    """
    if not hasattr(matrix, "tocoo") or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"Expected a square SciPy sparse matrix; got {type(matrix).__name__}.")
    entries = matrix.tocoo()
    kept = np.asarray(entries.data) != 0
    return np.stack([entries.row[kept], entries.col[kept]], axis=1).astype("int32")


def from_networkx(graph: Any) -> tuple[np.ndarray, list[Any]]:
    """Edges of a NetworkX graph, with both directions (in pairs) if it is undirected.

    Args:
        graph: a `Graph`, `DiGraph` or one of their multigraphs.

    Returns:
        int32 (E, 2), and the nodes in the order of their numbers.

    Raises:
        ValueError: no NetworkX graph.

    Example:
        >>> import networkx  # doctest: +SKIP
        >>> from_networkx(networkx.path_graph(["a", "b"]))  # doctest: +SKIP
        (array([[0, 1],
               [1, 0]], dtype=int32), ['a', 'b'])
    """
    if not hasattr(graph, "nodes") or not hasattr(graph, "is_directed"):
        raise ValueError(f"Expected a NetworkX graph; got {type(graph).__name__}.")
    nodes = list(graph.nodes)
    number = {node: index for index, node in enumerate(nodes)}
    rows = [(number[i], number[j]) for i, j in graph.edges()]
    edges = np.asarray(rows, "int32").reshape(-1, 2)
    if not graph.is_directed():
        edges = np.stack([edges, edges[:, ::-1]], axis=1).reshape(-1, 2)
    return edges, nodes


def from_pyg(data: Any) -> dict[str, np.ndarray]:
    """A graph of PyTorch Geometric as a batch of one for a graph model.

    Args:
        data: has `x`, tensor (N, F), and `edge_index`, tensor (2, E).

    Returns:
        `{"x": float32 (1, N, F), "edges": int32 (1, E, 2)}`.

    Raises:
        ValueError: `x` or `edge_index` is missing.

    Example:
        >>> class Data:
        ...     x, edge_index = np.ones((2, 3)), np.array([[0, 1], [1, 0]])
        >>> from_pyg(Data())["edges"].shape
        (1, 2, 2)
    """
    x, edge_index = getattr(data, "x", None), getattr(data, "edge_index", None)
    if x is None or edge_index is None:
        raise ValueError(f"Expected an object with x and edge_index, as torch_geometric.data.Data; got {data!r:.80}.")
    edges = np.asarray(_to_cpu(edge_index)).T.astype("int32")
    return {"x": np.asarray(_to_cpu(x), "float32")[None], "edges": np.ascontiguousarray(edges)[None]}


def _to_cpu(tensor: Any) -> Any:
    return tensor.detach().cpu() if hasattr(tensor, "detach") else tensor
