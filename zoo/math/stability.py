"""How large a step of graph diffusion or of a graph wave may be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.math.graphs import check_edges, gcn_weights, is_undirected
from zoo.math.values import check_choice, check_number

_TOLERANCE, _ITERATIONS = 1e-6, 10_000


def spectral_bound(edges: Any, num_nodes: int, *, normalization: str | None = "gcn", activation: str = "relu") -> float:
    """Largest eigenvalue of the map x -> F(x) that a layer with the identity as kernel applies.

    F is the G^T G of the graph, with its weights. Where every edge stands with its reverse, the ReLU passes one
    of the two and stops the other, which halves it; elsewhere, and for tanh, G^T G bounds it.

    Args:
        edges: integers (E, 2).
        num_nodes: nodes of the graph.
        normalization: `"gcn"` or None, as in `PDEGCNBlock`.
        activation: `"relu"` or `"tanh"`.

    Returns:
        The eigenvalue by power iteration, to a relative accuracy of about 1e-4; 0 for a graph without edges.

    Example:
        >>> round(spectral_bound([[0, 1], [1, 0]], 2), 3)
        0.5
    """
    edges = check_edges(edges, num_nodes)
    kept = edges[:, 0] != edges[:, 1]
    weights = gcn_weights(edges, num_nodes)[kept] if normalization else np.ones(kept.sum())
    i, j = edges[kept].T
    if not len(i):
        return 0.0
    largest = _power_iteration(i, j, np.square(weights), num_nodes)
    return largest / 2 if activation == "relu" and is_undirected(edges) else largest


def max_step_size(bound: float, kind: str, *, kernel_norm: float = 1.0, wave_share: float = 0.5) -> float:
    """The largest step with which the linear layer is stable.

    With the eigenvalue L = bound * kernel_norm^2 of F, one mode obeys a two-step recurrence whose roots stay in the
    unit circle for

        diffusive    h <= 2 / L
        hyperbolic   h <= 2 / sqrt(L)
        mixed        h <= (1 - s + sqrt((1 - s)^2 + 4 s L)) / L        with the share s of the wave

    Args:
        bound: from `spectral_bound`.
        kind: `"diffusive"`, `"hyperbolic"` or `"mixed"`.
        kernel_norm: the largest singular value of the layer's kernel.
        wave_share: s, for `"mixed"`.

    Returns:
        The step; infinite where nothing moves.

    Raises:
        ValueError: an unknown kind, a negative bound, or a share outside [0, 1].

    Example:
        >>> max_step_size(0.5, "diffusive"), round(max_step_size(0.5, "hyperbolic"), 2)
        (4.0, 2.83)
    """
    shares = {"diffusive": 0.0, "hyperbolic": 1.0, "mixed": wave_share}
    check_choice("kind", kind, tuple(shares))
    check_number("bound", bound, least=0)
    check_number("wave_share", wave_share, least=0, most=1)
    s, largest = shares[kind], bound * kernel_norm**2
    if largest == 0:
        return math.inf
    return (1 - s + math.sqrt((1 - s) ** 2 + 4 * s * largest)) / largest


def _power_iteration(i: np.ndarray, j: np.ndarray, squares: np.ndarray, num_nodes: int) -> float:
    """Largest eigenvalue of x -> G^T G x, whose entries are sums of the squared weights."""
    vector = np.random.default_rng(0).normal(size=num_nodes)
    value = 0.0
    for _ in range(_ITERATIONS):
        flow = squares * (vector[i] - vector[j])
        moved = np.bincount(i, flow, num_nodes) - np.bincount(j, flow, num_nodes)
        # The norm grows monotonically towards the eigenvalue, unlike single entries.
        norm = float(np.linalg.norm(moved)) / float(np.linalg.norm(vector))
        vector = moved / (np.linalg.norm(moved) or 1.0)
        if norm - value <= _TOLERANCE * norm:
            return norm
        value = norm
    return value
