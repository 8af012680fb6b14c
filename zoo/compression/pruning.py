"""Pruning of single connections: scores, masks, guard rails, and a report."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from zoo._suggestions import suggests
from zoo.compression.criteria import first_layers, strengths
from zoo.compression.flow import masks_of
from zoo.compression.graph import Graph, read_graph
from zoo.compression.masks import choose_masks
from zoo.compression.removing import check_path, reachable_masks, remove_dead, set_masks
from zoo.compression.report import SparsityReport, report_of

Filters = str | Iterable[str] | Callable[[keras.layers.Layer], bool] | None
"""Which layers: a regular expression that is found in the name, names, or a function of the layer; None for all."""


@suggests
def prune(
    model: keras.Model,
    ratio: float,
    *,
    criterion: str = "strength",
    scope: str = "global",
    normalize: str | None = None,
    min_keep: int = 1,
    filters: Filters = None,
    prune_first: bool = False,
    closure: bool = True,
    rule: str = "exact",
    norm: str = "l2",
    scores: Mapping[str, np.ndarray] | None = None,
    seed: int = 0,
    dry_run: bool = False,
) -> SparsityReport:
    """Prunes the weakest connections of a model's `SynapticConv2D` layers, in place, by their masks.

    Masks are weights: they survive training, saving and loading. A mask makes nothing faster and no file smaller by
    itself; `compress` does. Connections pruned before stay pruned and count. Accuracy falls at once and comes back in
    fine-tuning without penalty.

    Args:
        model: a functional model; `to_synaptic` makes one from an ordinary model.
        ratio: share of the prunable connections to prune in all, in [0, 1): of connections, neither of weights nor of
            arithmetic.
        criterion: what is weak, a word for `strengths`: `"strength"`, `"kernel_norm"`, `"bn_scale"` or `"random"`.
        scope: `"global"` ranks all layers together, `"layer"` prunes the ratio of every layer.
        normalize: `"layer_max"` divides scores by the largest of their layer first, for layers whose scales differ.
        min_keep: connections that every layer keeps at least.
        filters: which layers; see `Filters`.
        prune_first: prune the convolutions that read the input, too.
        closure: remove what leads nowhere afterwards, as `remove_dead` does; a ratio of 0 removes nothing.
        rule: `"exact"` or `"slimming"`, see `choose_masks`.
        norm: of kernel slices: `"l2"`, `"l1"` or `"linf"`.
        scores: arrays (Cin, Cout) by layer to rank by, without their signs, instead of a criterion; layers that have
            none are left alone.
        seed: of `"random"`.
        dry_run: only report.

    Returns:
        The report on the model as it is now, or would be. It also warns of layers that lost output channels.

    Raises:
        ValueError: a ratio outside [0, 1), unknown words or names, scores that do not fit, no layer with strengths
            among the chosen ones, or masks that would cut every path from input to output.

    Example:
        >>> import zoo
        >>> model = zoo.build("synaptic_resnet20_cifar10")
        >>> report = zoo.compression.prune(model, 0.5, closure=False)
        >>> report.kept, report.connections
        (14848, 29696)
    """
    graph = read_graph(model)
    before = masks_of(graph)
    excluded = set() if prune_first else first_layers(graph)
    chosen = _chosen(graph, filters, before, excluded)
    if not (scores is None or isinstance(scores, Mapping)):
        raise ValueError(f"Expected scores to be arrays by the name of the layer; got {type(scores).__name__}.")
    found = strengths(model, criterion, norm=norm, seed=seed) if scores is None else dict(scores)
    ranked = _ranked(found, chosen, before, normalize, criterion if scores is None else "scores")
    gone = {name: ~before[name] for name in ranked}
    chosen_masks = choose_masks(ranked, ratio, scope=scope, rule=rule, min_keep=min_keep, pruned=gone)
    masks = before | chosen_masks
    closed, flow = reachable_masks(graph, masks)
    check_path(graph, flow, closed)
    if closure and ratio > 0:
        masks = closed
    report = report_of(model, graph, masks, excluded)
    if report.warnings:
        warnings.warn("pruning: " + "; ".join(report.warnings), stacklevel=3)
    if not dry_run:
        set_masks(graph, masks)
        if closure and ratio > 0:
            remove_dead(model)
    return report


def prunable_masks(
    model: keras.Model,
    *,
    filters: Filters = None,
    prune_first: bool = False,
    scores: Mapping[str, Any] | None = None,
    criterion: str = "strength",
) -> list[np.ndarray]:
    """The masks of the layers that `prune` prunes with these arguments, bool (Cin, Cout)."""
    graph = read_graph(model)
    masks = masks_of(graph)
    names = _chosen(graph, filters, masks, set() if prune_first else first_layers(graph))
    ranked = strengths(model, criterion) if scores is None else scores
    return [masks[name] for name in names if name in ranked]


def is_chosen(layer: keras.layers.Layer, filters: Filters) -> bool:
    """Whether a layer is one of those that `filters`, as `checked_filters` returned them, means."""
    if filters is None:
        return True
    if callable(filters):
        return bool(filters(layer))
    if isinstance(filters, str):
        return re.search(filters, layer.name) is not None
    return layer.name in set(filters)


def checked_filters(filters: Filters, names: Iterable[str]) -> Filters:
    """The filters, names as a set.

    Raises:
        ValueError: no filters at all, no regular expression, or names that are not among `names`.
    """
    if filters is None or callable(filters):
        return filters
    if isinstance(filters, str):
        try:
            re.compile(filters)
        except re.error as error:
            raise ValueError(f"Expected filters to be a regular expression; got {filters!r}: {error}.") from error
        return filters
    if not isinstance(filters, Iterable):
        raise ValueError(f"Expected filters to be a regular expression, names or a function; got {filters!r}.")
    chosen, known = set(filters), set(names)
    if not chosen <= known:
        raise ValueError(f"Expected filters to name some of {sorted(known)}; got {sorted(map(str, chosen - known))}.")
    return chosen


def _chosen(graph: Graph, filters: Filters, masks: Mapping[str, Any], excluded: set[str]) -> list[str]:
    if not masks:
        raise ValueError(
            "Expected a model with SynapticConv2D layers; make one with zoo.compression.to_synaptic(model)."
        )
    filters = checked_filters(filters, masks)
    calls = [call for call in graph.calls if call.name in masks and call.name not in excluded]
    names = [call.name for call in calls if is_chosen(call.operation, filters)]
    if not names:
        raise ValueError(
            f"Expected layers to prune; filters={filters!r} leaves none of {sorted(set(masks) - excluded)} "
            f"(first convolutions are pruned with prune_first=True)."
        )
    return names


def _ranked(
    found: Mapping[str, np.ndarray],
    chosen: list[str],
    masks: Mapping[str, np.ndarray],
    normalize: str | None,
    what: str,
) -> dict[str, np.ndarray]:
    if normalize not in (None, "layer_max"):
        raise ValueError(f"Expected normalize to be None or 'layer_max'; got {normalize!r}.")
    ranked = {name: np.abs(np.asarray(found[name], np.float64)) for name in chosen if name in found}
    if not ranked:
        if what == "scores":
            raise ValueError(f"Expected scores of some of the layers {chosen}; got those of {list(found)}.")
        raise ValueError(
            f"No layer has {what!r}: the input of none comes from a normalization with a scale. Keep the scales with "
            "to_synaptic(model, absorb=False)."
        )
    for name, score in ranked.items():
        bad = score.size - np.isfinite(score).sum()
        if score.shape != masks[name].shape or bad:
            raise ValueError(
                f"Expected finite scores of shape {masks[name].shape} for {name!r}; got {score.shape}, {bad} of them "
                "not finite."
            )
    if normalize:
        ranked = {name: score / max(score.max(), 1e-300) for name, score in ranked.items()}
    return ranked
