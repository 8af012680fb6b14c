"""The registered PDE-GCNs and their baselines."""

from __future__ import annotations

from typing import Any

from zoo._labels import CITESEER, CORA, MODELNET10, PUBMED
from zoo.models.pdegcn.config import PDEGCNCloudConfig, PDEGCNConfig
from zoo.models.preset import TINY, Paper, Preset

PDEGCN = Paper(
    key="pdegcn",
    title="PDE-GCN: Novel Architectures for Graph Neural Networks Motivated by Partial Differential Equations",
    authors="M. Eliasof, E. Haber, E. Treister",
    venue="NeurIPS",
    year=2021,
    url="https://arxiv.org/abs/2108.01938",
)

_NODES, _LABELS, _CLOUDS = "node-classification", "node-labelling", "point-cloud-classification"
_REPORTED = (
    "The paper's table as quoted elsewhere; the authors' code keeps the highest test accuracy over all epochs and "
    "searches its settings by it."
)
_UNREAD = "Built from the authors' code; the paper's full text was not read."
_NO_EDGE_DROPOUT = "No dropout on the edges, where the authors' code has it."
_FLAT = "Kernels learn at a fraction of the learning rate of the other matrices."


def _preset(name: str, summary: str, config: Any, dataset: str, labels: tuple[str, ...], **facts: Any) -> Preset:
    return Preset(
        name=name,
        config=config,
        summary=summary,
        paper=PDEGCN,
        dataset=dataset,
        labels=labels,
        deviations=(_UNREAD, *facts.pop("deviations", ())),
        **facts,
    )


def _citation(
    name: str,
    dataset: str,
    summary: str,
    features: int,
    labels: tuple[str, ...],
    parameters: int,
    error: float | None = None,
    deviations: tuple[str, ...] = (),
    **config: Any,
) -> Preset:
    return _preset(
        name,
        summary,
        PDEGCNConfig(name=name, input_shape=(None, features), num_classes=len(labels), **config),
        dataset,
        labels,
        task=_NODES,
        parameters=parameters,
        deviations=(_NO_EDGE_DROPOUT, _FLAT, *deviations)
        if config.get("kind") != "gcn"
        else ("A baseline, not of the paper.",),
        reported_error=error,
        reported_note=_REPORTED if error else None,
    )


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(index) for index in range(count))


PRESETS = (
    _citation("pdegcn_cora", "cora", "PDE-GCN D, 16 steps", 1433, CORA, 157_696, 15.7),
    _citation("pdegcn_m_cora", "cora", "PDE-GCN M, 16 steps", 1433, CORA, 157_697, kind="mixed"),
    _citation(
        "pdegcn_tiny_cora",
        "cora",
        "PDE-GCN D, 8 steps of 16 channels",
        1433,
        CORA,
        25_088,
        deviations=(TINY,),
        width=16,
        depth=8,
        step_size=4.0,
    ),
    _citation("gcn_cora", "cora", "GCN, 2 convolutions", 1433, CORA, 100_480, kind="gcn", depth=2),
    _citation("pdegcn_citeseer", "citeseer", "PDE-GCN D, 16 steps", 3703, CITESEER, 302_912, 24.4, dropout=0.7),
    _citation(
        "pdegcn_m_citeseer",
        "citeseer",
        "PDE-GCN M, 16 steps",
        3703,
        CITESEER,
        302_913,
        kind="mixed",
        dropout=0.7,
    ),
    _preset(
        "pdegcn_full_citeseer",
        "PDE-GCN D, 32 steps, for full supervision",
        PDEGCNConfig(
            name="pdegcn_full_citeseer",
            input_shape=(None, 3703),
            num_classes=len(CITESEER),
            depth=32,
            step_size=0.25,
            dropout=0.5,
        ),
        "citeseer",
        CITESEER,
        task=_NODES,
        parameters=368_448,
        deviations=(
            _NO_EDGE_DROPOUT,
            "Opening and closing start Glorot uniform, in the authors' code normal(0, 0.01).",
        ),
    ),
    _citation("gcn_citeseer", "citeseer", "GCN, 2 convolutions", 3703, CITESEER, 245_696, kind="gcn", depth=2),
    _citation("pdegcn_pubmed", "pubmed", "PDE-GCN D, 16 steps", 500, PUBMED, 97_728, 19.4, dropout=0.7),
    _preset(
        "pdegcn_ppi",
        "PDE-GCN M with tanh for several labels a node",
        PDEGCNConfig(
            name="pdegcn_ppi",
            input_shape=(None, 50),
            num_classes=121,
            kind="mixed",
            width=1024,
            depth=8,
            step_size=0.1,
            activation="tanh",
            dropout=0.0,
        ),
        "ppi",
        _numbers(121),
        task=_LABELS,
        parameters=8_563_713,
        deviations=(
            "The mixed step is the implicit one of the other networks; the authors' code has an explicit one here.",
        ),
    ),
    _preset(
        "pdegcn_faust",
        "PDE-GCN H for dense correspondence of meshes",
        PDEGCNConfig(
            name="pdegcn_faust",
            input_shape=(None, 3),
            num_classes=6890,
            kind="hyperbolic",
            width=256,
            depth=8,
            step_size=0.01,
            activation="tanh",
            dropout=0.0,
            normalization=None,
            hidden=(256, 256),
        ),
        "faust",
        _numbers(6890),
        task=_NODES,
        parameters=2_427_114,
        deviations=(
            "The exact adjoint of the gradient with tanh: the authors' code adds both ends of an edge to one, so that "
            "its ReLU does not cancel.",
        ),
    ),
    _preset(
        "pdegcn_modelnet10",
        "PDE-GCN D on nearest neighbours of points",
        PDEGCNCloudConfig(name="pdegcn_modelnet10"),
        "modelnet10",
        MODELNET10,
        task=_CLOUDS,
        parameters=938_186,
    ),
)
