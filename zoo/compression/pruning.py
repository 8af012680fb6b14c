"""Pruning of single connections: scores, masks, guard rails, and a report."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from zoo.compression.closing import check_path, close, closed_masks, set_masks
from zoo.compression.criteria import first_layers, strengths
from zoo.compression.flow import masks_of
from zoo.compression.graph import Graph, read_graph
from zoo.compression.masks import choose_masks
from zoo.compression.report import SparsityReport, report_of

Filters = str | Iterable[str] | Callable[[keras.layers.Layer], bool] | None
"""Which layers: a regular expression that is found in the name, names, or a function of the layer; None for all."""


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
        closure: remove what leads nowhere afterwards, as `close` does; a ratio of 0 removes nothing.
        rule: `"exact"` or `"slimming"`, see `choose_masks`.
        norm: of kernel slices: `"l2"`, `"l1"` or `"linf"`.
        scores: arrays (Cin, Cout) by layer to rank by instead of a criterion; other layers stay as they
            are.
        seed: of `"random"`.
        dry_run: only report.

    Returns:
        The report on the model as it is now, or would be. It also warns of layers that lost output channels.

    Raises:
        ValueError: a ratio outside [0, 1), unknown words or names, no layer with strengths among the chosen ones, or
            masks that would cut every path from input to output.

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
    _check_names(graph, scores or (), "scores")
    found = strengths(model, criterion, norm=norm, seed=seed) if scores is None else dict(scores)
    ranked = _ranked(found, chosen, before, normalize, criterion if scores is None else "scores")
    gone = {name: ~before[name] for name in ranked}
    chosen_masks = choose_masks(ranked, ratio, scope=scope, rule=rule, min_keep=min_keep, pruned=gone)
    masks = before | chosen_masks
    closed, flow = closed_masks(graph, masks)
    check_path(graph, flow)
    if closure and ratio > 0:
        masks = closed
    report = report_of(model, graph, masks, excluded)
    if report.warnings:
        warnings.warn("pruning: " + "; ".join(report.warnings), stacklevel=2)
    if not dry_run:
        set_masks(graph, masks)
        if closure and ratio > 0:
            close(model)
    return report


def chooser(graph: Graph, filters: Filters) -> Callable[[keras.layers.Layer], bool]:
    """What tells whether a layer is one of those that `filters` means.

    Raises:
        ValueError: names that no layer has.
    """
    if filters is None or callable(filters):
        return filters or (lambda layer: True)
    if isinstance(filters, str):
        return lambda layer: re.search(filters, layer.name) is not None
    names = set(filters)
    _check_names(graph, names, "filters")
    return lambda layer: layer.name in names


def _check_names(graph: Graph, names: Iterable[str], what: str) -> None:
    if unknown := set(names) - {call.name for call in graph.calls}:
        raise ValueError(f"Expected names of layers in `{what}`; the model has no {sorted(unknown)}.")


def _chosen(graph: Graph, filters: Filters, masks: Mapping[str, Any], excluded: set[str]) -> list[str]:
    calls = [call for call in graph.calls if call.name in masks and call.name not in excluded]
    is_meant = chooser(graph, filters)
    names = [call.name for call in calls if is_meant(call.operation)]
    if names:
        return names
    if masks:
        raise ValueError(
            f"Expected layers to prune; filters={filters!r} leaves none of {sorted(set(masks) - excluded)} "
            f"(first convolutions are pruned with prune_first=True)."
        )
    raise ValueError("Expected a model with SynapticConv2D layers; make one with zoo.compression.to_synaptic(model).")


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
        raise ValueError(f"No layer has {what!r}: the input of none comes from a normalization with a scale.")
    for name, score in ranked.items():
        if score.shape != masks[name].shape or not np.isfinite(score).all():
            raise ValueError(f"Expected finite scores of shape {masks[name].shape} for {name!r}; got {score.shape}.")
    if normalize:
        ranked = {name: score / max(score.max(), 1e-300) for name, score in ranked.items()}
    return ranked
