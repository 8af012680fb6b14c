"""Measuring models: predictions, accuracy, equivariance, arithmetic, energies of graph networks."""

from zoo.evaluation.classification import evaluate
from zoo.evaluation.equivariance import equivariance_error
from zoo.evaluation.graph_energy import graph_energy
from zoo.evaluation.graphs import ASSET, check_step_size, pack_graph, takes_graphs
from zoo.evaluation.macs import CONVENTION, count_macs
from zoo.evaluation.prediction import predict

__all__ = [
    "ASSET",
    "CONVENTION",
    "check_step_size",
    "count_macs",
    "equivariance_error",
    "evaluate",
    "graph_energy",
    "pack_graph",
    "predict",
    "takes_graphs",
]
