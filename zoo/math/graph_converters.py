"""From other libraries' graphs to edge lists. The libraries are not imported: their objects know enough.

What an edge list cannot hold is never left out unasked: weights of edges are given back where they are asked for, left
out where that is asked for, and refused otherwise.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.math.graph_batches import pad_graphs
from zoo.math.graphs import check_edges


def from_scipy(matrix: Any, *, edge_weight: bool | None = None) -> Any:
    """Edges of a SciPy sparse adjacency matrix: (row, column) of every entry that is not 0.

    Args:
        matrix: square, of any sparse format. Entries that a COO matrix repeats are added up, as SciPy does.
        edge_weight: True gives the entries too, False leaves them out, and None takes a matrix of ones only.

    Returns:
        int32 (E, 2); with `edge_weight=True` the pair of it and float32 (E,).

    Raises:
        ValueError: no square sparse matrix, entries that are no finite real numbers, or other entries than 1 where
            nothing is said of them.

    Example:
        >>> import scipy.sparse  # doctest: +SKIP
        >>> from_scipy(scipy.sparse.eye(3, k=1)).tolist()  # doctest: +SKIP
        [[0, 1], [1, 2]]
    """
    shape: tuple[int, ...] = getattr(matrix, "shape", ())
    if not hasattr(matrix, "tocoo") or len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(f"Expected a square SciPy sparse matrix; got {type(matrix).__name__} of shape {shape}.")
    entries = matrix.tocsr().tocoo()  # adds repeated ones up, in a matrix of its own
    values = np.asarray(entries.data)
    values = _finite(values.astype("float64") if values.dtype.kind == "b" else values)
    kept = values != 0
    edges = np.stack([entries.row[kept], entries.col[kept]], axis=1).astype("int32")
    return _with_weights(edges, values[kept], edge_weight, "Entries of the matrix")


def from_networkx(graph: Any, *, weight: str | bool | None = None) -> tuple[Any, ...]:
    """Edges of a NetworkX graph, with both directions (in pairs) if it is undirected.

    Parallel edges of a multigraph are listed as often as they are there. Attributes of nodes and, but for the weight,
    of edges are not read: make features of them, in the order of the nodes given back.

    Args:
        graph: a `Graph`, `DiGraph` or one of their multigraphs.
        weight: name of the edges' attribute to give back, 1 where it is missing; False leaves weights out; None takes
            graphs only whose edges have no attribute `"weight"` but 1.

    Returns:
        int32 (E, 2), and the nodes in the order of their numbers; with the name of an attribute float32 (E,) behind it.

    Raises:
        ValueError: no NetworkX graph, weights that are no finite numbers, or weights where nothing is said of them.

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
    rows = list(graph.edges(data=weight if isinstance(weight, str) else "weight", default=1))
    edges = np.asarray([(number[i], number[j]) for i, j, _ in rows], "int32").reshape(-1, 2)
    values = np.ones(len(rows)) if weight is False else _finite([value for *_, value in rows])
    if not graph.is_directed():
        edges = np.stack([edges, edges[:, ::-1]], axis=1).reshape(-1, 2)
        values = np.repeat(values, 2)
    wanted = True if isinstance(weight, str) else weight
    found = _with_weights(edges, values, wanted, "Attributes 'weight' of edges", 'weight="weight"', "weight=False")
    return (found[0], nodes, found[1]) if isinstance(found, tuple) else (found, nodes)


def from_pyg(data: Any, *, edge_weight: bool | None = None) -> dict[str, np.ndarray]:
    """A graph, or a batch of graphs, of PyTorch Geometric as a batch for a graph model.

    The graphs of a batch are taken apart by its `batch` and padded to the largest of them: features with zeros, edges
    with -1. `numpy.bincount(data.batch)` is their numbers of nodes.

    Args:
        data: has `x`, tensor (N, F), and `edge_index`, tensor (2, E); for several graphs also `batch`, (N,).
        edge_weight: True gives weights of edges (`edge_weight` or one column `edge_attr`) too, for a model built with
            `edge_weight=True`; False leaves them, and any `edge_attr`, out; None takes graphs without them only.

    Returns:
        `{"x": float32 (B, N, F), "edges": int32 (B, E, 2)}`, and with `edge_weight=True` float32 `edge_weight` (B, E).

    Raises:
        ValueError: `x` or `edge_index` is missing or of another shape, an edge names no node or joins two graphs of the
            batch, or there are weights where nothing is said of them.

    Example:
        >>> class Data:
        ...     x, edge_index = np.ones((2, 3)), np.array([[0, 1], [1, 0]])
        >>> from_pyg(Data())["edges"].shape
        (1, 2, 2)
    """
    x, edge_index = getattr(data, "x", None), getattr(data, "edge_index", None)
    if x is None or edge_index is None:
        raise ValueError(f"Expected an object with x and edge_index, as torch_geometric.data.Data; got {data!r:.80}.")
    features, index = np.asarray(_to_cpu(x)), np.asarray(_to_cpu(edge_index))
    if features.ndim != 2:
        raise ValueError(f"Expected x of shape (nodes, features); got {features.shape}.")
    if index.ndim != 2 or index.shape[0] != 2:
        raise ValueError(f"Expected edge_index of shape (2, edges); got {index.shape}.")
    edges = check_edges(index.T, len(features))
    weights = _pyg_weights(data, edges, edge_weight)
    graphs = _split(data, features, edges, weights)
    largest = {"nodes": max(len(each[0]) for each in graphs), "edges": max(len(each[1]) for each in graphs)}
    return pad_graphs(graphs, **largest)[0]


def _pyg_weights(data: Any, edges: np.ndarray, wanted: bool | None) -> np.ndarray | None:
    """The weights to give back."""
    given = getattr(data, "edge_weight", None)
    name = "edge_attr" if given is None else "edge_weight"
    given = getattr(data, "edge_attr", None) if given is None else given
    if wanted is False or (given is None and not wanted):
        return None
    values = np.ones(len(edges)) if given is None else np.asarray(_to_cpu(given))
    if values.shape not in ((len(edges),), (len(edges), 1)):
        raise ValueError(
            f"Expected one weight for each of {len(edges)} edges; got {name} of shape {values.shape}. Choose a column, "
            f"as in data.edge_weight = data.edge_attr[:, 0], or pass edge_weight=False to leave it out."
        )
    found = _with_weights(edges, _finite(values.reshape(-1)), wanted, f"{name!r} of the graph")
    return found[1] if isinstance(found, tuple) else None


def _split(data: Any, features: np.ndarray, edges: np.ndarray, weights: np.ndarray | None) -> list[tuple[Any, ...]]:
    """The graphs of a batch, each with its own numbers of nodes."""
    batch = getattr(data, "batch", None)
    batch = np.zeros(len(features), "int64") if batch is None else np.asarray(_to_cpu(batch))
    if batch.shape != (len(features),) or batch.dtype.kind not in "iu" or (batch.size and batch.min() < 0):
        raise ValueError(f"Expected batch as the number of a graph for each of {len(features)} nodes; got {batch!r}.")
    owner, other = batch[edges[:, 0]], batch[edges[:, 1]]
    if (owner != other).any():
        row = int(np.argmax(owner != other))
        raise ValueError(
            f"Expected edges within the graphs of the batch; edge {edges[row].tolist()} joins two of them."
        )
    count = max(int(batch.max(initial=0)) + 1, int(getattr(data, "num_graphs", None) or 1))
    number = np.zeros(len(features), "int64")  # of a node in its graph
    graphs = []
    for graph in range(count):
        inside, rows = batch == graph, owner == graph
        number[inside] = np.arange(inside.sum())
        own = (features[inside], number[edges[rows]])
        graphs.append(own if weights is None else (*own, weights[rows]))
    return graphs


def _finite(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.size and (array.dtype.kind not in "biuf" or not np.isfinite(array).all()):
        raise ValueError(f"Expected weights of edges as finite numbers; got dtype {array.dtype}: {array[:5]!r}.")
    return array.astype("float64")


def _with_weights(
    edges: np.ndarray,
    values: np.ndarray,
    wanted: bool | None,
    what: str,
    keep: str = "edge_weight=True",
    leave: str = "edge_weight=False",
) -> Any:
    """The edges, with their weights if these are wanted; a ValueError if nothing is said of weights that are not 1."""
    if wanted:
        return edges, values.astype("float32")
    if wanted is None and (values != 1).any():
        raise ValueError(
            f"{what} are weights, as {values[values != 1][0]:g}: an edge list does not hold them. Pass {keep} to get "
            f"them too (layers and models take them as edge_weight), or {leave} to leave them out."
        )
    return edges


def _to_cpu(tensor: Any) -> Any:
    """An array of a torch tensor."""
    if getattr(tensor, "is_sparse", False) or hasattr(tensor, "toarray"):
        raise ValueError(f"Expected dense numbers; got a sparse {type(tensor).__name__}: pass its dense form.")
    return tensor.detach().cpu() if hasattr(tensor, "detach") else tensor
