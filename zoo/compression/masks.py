"""From scores to masks: which connections are the weakest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zoo.math.values import check_choice, check_number, check_whole

SCOPES = ("global", "layer")
RULES = ("exact", "slimming")


def choose_masks(
    scores: Mapping[str, np.ndarray],
    ratio: float,
    *,
    scope: str = "global",
    rule: str = "exact",
    min_keep: int = 1,
    pruned: Mapping[str, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """Masks without the weakest connections.

    Args:
        scores: (Cin, Cout) by layer, in the order that decides ties; within a layer the flat index does.
        ratio: share of the connections to prune, in [0, 1).
        scope: `"global"` ranks all layers together, `"layer"` each for itself.
        rule: `"exact"` prunes `floor(ratio N)` of N connections. `"slimming"` keeps what is greater than the score at
            position `floor(ratio N)`, as the code of network slimming does: one more, or several where scores tie.
        min_keep: connections that every layer keeps at least, its strongest.
        pruned: bool (Cin, Cout) by layer: pruned before; these go first.

    Returns:
        Bool arrays (Cin, Cout) by layer, True where the connection stays.

    Raises:
        ValueError: a ratio outside [0, 1), an unknown scope or rule, a `min_keep` below 0.

    Example:
        >>> import numpy as np
        >>> choose_masks({"conv": np.array([[0.1, 0.4], [0.3, 0.2]])}, 0.5)["conv"].tolist()
        [[False, True], [True, False]]
    """
    ratio = check_number("ratio", ratio, least=0, below=1)
    check_choice("scope", scope, SCOPES)
    check_choice("rule", rule, RULES)
    min_keep = check_whole("min_keep", min_keep, 0)
    gone = pruned or {}
    ranked = {name: np.where(gone.get(name, np.zeros_like(s, bool)), -1.0, s) for name, s in scores.items()}
    groups = [list(scores)] if scope == "global" else [[name] for name in scores]
    masks: dict[str, np.ndarray] = {}
    for names in filter(None, groups):
        flat = np.concatenate([ranked[name].reshape(-1) for name in names])
        keep = _keep(flat, ratio, rule)
        ends = np.cumsum([ranked[name].size for name in names])[:-1]
        for name, part in zip(names, np.split(keep, ends), strict=True):
            masks[name] = _with_at_least(part, ranked[name].reshape(-1), min_keep).reshape(ranked[name].shape)
    return {name: masks[name] & (ranked[name] >= 0) for name in scores}


def _keep(flat: np.ndarray, ratio: float, rule: str) -> np.ndarray:
    count = int(np.floor(ratio * flat.size + 1e-9))  # 0.07 * 100 is 7.000000000000001, 0.29 * 100 is 28.999999999999996
    order = np.argsort(flat, kind="stable")
    if rule == "slimming" and ratio > 0:
        return flat > flat[order[count]]
    keep = np.ones(flat.size, bool)
    keep[order[:count]] = False
    return keep


def _with_at_least(keep: np.ndarray, scores: np.ndarray, least: int) -> np.ndarray:
    """Adds the strongest connections until there are enough; the later one of two that tie."""
    missing = least - int(keep.sum())
    if missing <= 0:
        return keep
    keep = keep.copy()
    keep[np.argsort(scores, kind="stable")[-least:]] = True
    return keep
